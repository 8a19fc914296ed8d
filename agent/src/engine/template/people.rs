//! People who are made up, from names of all regions. They are spelled in ASCII, so that they can stand in any text, and
//! stand here as many to a line as fit, which the formatter would not leave so.

use std::fmt::Write;

use super::functions::{below, draw};

/// What people are called by those who know them.
#[rustfmt::skip]
const GIVEN: [&str; 138] = [
    "Ada", "Adam", "Aiko", "Akira", "Alejandro", "Aisha", "Amara", "Amir", "Ana", "Anders", "Andrea", "Anna", "Anton",
    "Aroha", "Astrid", "Ayumi", "Beatriz", "Bella", "Bilal", "Bruno", "Camila", "Carlos", "Chen", "Chidi", "Chloe",
    "Clara", "Daniel", "Dara", "Diego", "Dilnoza", "Elena", "Elias", "Emeka", "Emma", "Enzo", "Erik", "Esther",
    "Fatima", "Felix", "Finn", "Freya", "Gabriel", "Giulia", "Grace", "Hana", "Hassan", "Helena", "Hina", "Hugo",
    "Ibrahim", "Ines", "Ingrid", "Isabel", "Ivan", "Jakub", "Jana", "Jasmine", "Javier", "Jin", "Jonas", "Joseph",
    "Juan", "Julia", "Kaito", "Karim", "Katarina", "Kavya", "Keanu", "Kofi", "Kwame", "Lars", "Laila", "Leila", "Leo",
    "Lina", "Linh", "Lucas", "Lucia", "Magda", "Malia", "Manuel", "Maria", "Mateo", "Maya", "Mei", "Mia", "Mikael",
    "Miriam", "Mohammed", "Nadia", "Naomi", "Ngozi", "Nia", "Nikolai", "Noah", "Nora", "Olga", "Oliver", "Omar",
    "Oscar", "Paulo", "Pedro", "Petra", "Priya", "Rafael", "Rahul", "Ravi", "Rosa", "Ruth", "Sami", "Samuel", "Sara",
    "Sefa", "Selma", "Sibusiso", "Sofia", "Soren", "Tala", "Tamar", "Tane", "Tariq", "Thandi", "Theo", "Thomas",
    "Tomas", "Uma", "Valeria", "Vera", "Viktor", "Wanjiru", "Wei", "Ximena", "Yara", "Yuki", "Yusuf", "Zainab",
    "Zara", "Zoe",
];

/// What their families are called.
#[rustfmt::skip]
const FAMILY: [&str; 144] = [
    "Abdullah", "Abebe", "Adeyemi", "Aguilar", "Ahmed", "Akhtar", "Ali", "Almeida", "Andersen", "Andersson", "Aslan",
    "Banda", "Bauer", "Becker", "Berg", "Bernard", "Bianchi", "Boateng", "Brown", "Castillo", "Castro", "Chan",
    "Chavez", "Chen", "Cohen", "Costa", "Cruz", "Demir", "Diallo", "Diaz", "Dlamini", "Dubois", "Eriksen", "Evans",
    "Farouk", "Fernandez", "Ferrari", "Fischer", "Flores", "Fujita", "Garcia", "Gomez", "Gonzalez", "Green", "Gruber",
    "Gupta", "Haddad", "Hakimi", "Hansen", "Harris", "Hassan", "Hernandez", "Hoang", "Horvat", "Hughes", "Ibrahim",
    "Ito", "Ivanov", "Jansen", "Jensen", "Johansson", "Johnson", "Jones", "Juarez", "Kaya", "Keller", "Khan", "Kim",
    "Kimura", "Kowalski", "Kumar", "Larsen", "Lee", "Lehmann", "Lopez", "Mahlangu", "Makela", "Martin", "Mbeki",
    "Mendoza", "Meyer", "Mishra", "Mohamed", "Molina", "Morales", "Moreau", "Mueller", "Mutua", "Nakamura", "Ndiaye",
    "Nguyen", "Nielsen", "Novak", "Nowak", "Nyambura", "Ochieng", "Okafor", "Okonkwo", "Olsen", "Ortiz", "Osman",
    "Park", "Patel", "Peeters", "Pereira", "Petrov", "Pham", "Popescu", "Ramos", "Rao", "Reyes", "Ricci", "Rivera",
    "Robinson", "Romero", "Rossi", "Ruiz", "Sanchez", "Santos", "Sato", "Schmidt", "Sharma", "Silva", "Singh",
    "Smith", "Suzuki", "Tanaka", "Taylor", "Tran", "Tupou", "Vargas", "Vasquez", "Virtanen", "Walker", "Wang",
    "Weber", "Williams", "Wilson", "Wong", "Yamamoto", "Yilmaz", "Young", "Zhang", "Zulu",
];

/// Names under which nobody can have mail (RFC 2606, 3).
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// A person's name.
pub(super) fn name() -> String {
    format!("{} {}", one_of(&GIVEN), one_of(&FAMILY))
}

/// A person's address for mail, with a number of 64 bits in it, so that hardly anybody else has the same.
pub(super) fn email() -> String {
    let mut address = String::with_capacity(64);
    let number = draw();
    let (given, family, domain) = (one_of(&GIVEN), one_of(&FAMILY), one_of(&DOMAINS));
    write!(address, "{given}.{family}.{number:016x}@{domain}").unwrap_or_default();
    address.make_ascii_lowercase();
    address
}

fn one_of(texts: &[&'static str]) -> &'static str {
    texts[below(texts.len() as u64) as usize]
}
