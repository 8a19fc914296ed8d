//! Files: the plan's own, and those it names.

use std::fs;
use std::path::Path;

use muster_proto::plan::{BodyPiece, ClientCert, Request, Templates};
use tempfile::TempDir;

use super::super::Secrets;
use super::super::{FILE_BYTES_MAX, Mistakes, PlanFile, read};
use super::{request, step};

/// Reads a plan from a folder with these files beside it.
fn in_folder(plan: &str, files: &[(&str, &[u8])]) -> (TempDir, Result<PlanFile, Mistakes>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let path = folder.path().join("shop.yaml");
    fs::write(&path, plan).unwrap();
    let result = read(&path, Secrets::LookedUp);
    (folder, result)
}

fn message(result: Result<PlanFile, Mistakes>) -> String {
    let mistakes = result.unwrap_err();
    let messages: Vec<&str> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
    messages.join("\n")
}

#[test]
fn a_plan_is_named_after_its_file_and_takes_bodies_from_its_folder() {
    let (_folder, plan) = in_folder(&step("post: /, body: {file: ./body.bin}"), &[("body.bin", b"\x00{{ raw }}\xff")]);
    let plan = plan.unwrap().plan;
    assert_eq!(plan.name, "shop");
    assert_eq!(&request(&plan).body.0[..], b"\x00{{ raw }}\xff");
}

#[test]
fn parts_are_sent_in_order_and_files_among_them_as_they_are() {
    let keys = "post: /, headers: {x: y}, multipart: {title: 'n {{ iteration }}', a: [b, {file: c.bin, type: image/x, name: 'd\"e'}], \
                f: {text: '{}', type: application/json}}";
    let (_folder, plan) = in_folder(&step(keys), &[("c.bin", b"\x00{{ raw }}\xff")]);
    let plan = plan.unwrap().plan;
    let request = request(&plan);
    let (_, kind) = request.headers.iter().find(|(name, _)| name == "content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(boundary, "muster-2c515dc1-00000000", "it follows from the parts alone");
    let wanted = [
        "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nn {{ iteration }}\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"d%22e\"\r\nContent-Type: image/x\r\n\r\nRAW\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Type: application/json\r\n\r\n{}\r\n--B--\r\n",
    ];
    let (before, behind) = wanted
        .concat()
        .replace("--B", &format!("--{boundary}"))
        .split_once("RAW")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let [BodyPiece::Template(first), BodyPiece::Verbatim(file), BodyPiece::Template(last)] = request.body_pieces()[..]
    else {
        panic!("{:?}", request.body_pieces());
    };
    assert_eq!(String::from_utf8_lossy(first), before);
    assert_eq!(file, b"\x00{{ raw }}\xff");
    assert_eq!(String::from_utf8_lossy(last), behind);
}

#[test]
fn parts_without_templates_are_no_template_and_no_boundary_stands_in_them() {
    let parts = |file: &[u8]| {
        let (_folder, plan) = in_folder(&step("post: /, multipart: {a: {file: f}, b: c}"), &[("f", file)]);
        request(&plan.unwrap().plan).clone()
    };
    let first = parts(b"{{ x }}");
    assert_eq!((first.templates, &first.verbatim[..]), (Templates::default(), &[][..]));
    let boundary = |request: &Request| request.headers[0].1.rsplit('=').next().unwrap().to_owned();
    // What has the boundary in it gets another, which begins otherwise because the parts are others.
    let second = parts(boundary(&first).as_bytes());
    assert_ne!(boundary(&second), boundary(&first));
    let whole = String::from_utf8(second.body.0.to_vec()).unwrap();
    assert_eq!(whole.matches(&boundary(&second)).count(), 3);
}

#[test]
fn what_is_wrong_with_parts_is_told() {
    let wrong = |keys: &str| message(in_folder(&step(keys), &[]).1);
    assert_eq!(wrong("post: /, multipart: {a: {}}"), "wanted one content of the part");
    assert_eq!(wrong("post: /, multipart: {a: {file: f, text: b}}"), "wanted one content of the part");
    assert_eq!(wrong("post: /, multipart: {a: {file: ../f}}"), "wanted a file in the plan's folder, found `../f`");
    assert_eq!(
        wrong("post: /, multipart: {a: {text: b, type: png}}"),
        "wanted a media type such as `image/png`, found `png`"
    );
    assert_eq!(wrong("post: /, multipart: {'{{ a }}': b}"), "wanted a text without `{{`, found `{{ a }}`");
    assert_eq!(wrong("post: /, multipart: {a: b}, body: c"), "a request has one body, found `multipart` and `body`");
    let own = "post: /, headers: {Content-Type: multipart/mixed}, multipart: {a: b}";
    assert_eq!(wrong(own), "a multipart body has a `content-type` of its own");
    let many: String = (0..11).map(|name| format!("a{name}: [{}], ", "b, ".repeat(99))).collect();
    assert_eq!(wrong(&format!("post: /, multipart: {{{many}}}")), "wanted at most 1000 parts, found more");
    let large = format!("post: /, multipart: {{a: [{}]}}", "{file: f}, ".repeat(6));
    let (_folder, plan) = in_folder(&step(&large), &[("f", &vec![0; 1 << 20])]);
    assert_eq!(message(plan), "wanted parts of at most 4194304 bytes together, found more");
}

#[test]
fn bodies_from_elsewhere_are_refused() {
    let outside = "wanted a file in the plan's folder, found ";
    for name in ["/etc/passwd", "../x", "a/../../x"] {
        let (_folder, plan) = in_folder(&step(&format!("post: /, body: {{file: {name}}}")), &[]);
        assert_eq!(message(plan), format!("{outside}`{name}`"));
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    fs::write(folder.path().join("plan.yaml"), step("post: /, body: {file: link}")).unwrap();
    assert_eq!(message(read(&folder.path().join("plan.yaml"), Secrets::LookedUp)), format!("{outside}`link`"));
}

#[test]
fn bodies_that_cannot_be_read_are_refused() {
    let (_folder, plan) = in_folder(&step("post: /, body: {file: absent}"), &[]);
    assert_eq!(message(plan), "the file `absent` cannot be read: there is no such file");
    let (_folder, plan) = in_folder(&step("post: /, body: {file: large}"), &[("large", &vec![b'x'; (1 << 20) + 1])]);
    assert_eq!(message(plan), "wanted a file of at most 1048576 bytes, `large` is larger");
    let (_folder, plan) = in_folder(&step("post: /, body: {file: .}"), &[]);
    assert_eq!(message(plan), "the file `.` cannot be read: it is a folder");
}

#[test]
fn bodies_too_large_together_are_refused() {
    let body = "- {post: /, body: {file: large}}\n";
    let steps = format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n{}", body.repeat(5));
    let (_folder, plan) = in_folder(&super::scenario(&steps), &[("large", &vec![b'x'; 1 << 20])]);
    assert_eq!(message(plan), "wanted bodies, headers and URLs of at most 4194304 bytes together, found more");
}

#[test]
fn certificates_must_be_what_they_are_said_to_be() {
    let cert: (&str, &[u8]) = ("cert.pem", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let key: (&str, &[u8]) = ("key.pem", b"-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n");
    let plan = |tls: &str| format!("connect: {{tls: {{{tls}}}}}\n{}", step("get: /"));
    let (_folder, sound) = in_folder(&plan("ca: cert.pem, cert: cert.pem, key: key.pem"), &[cert, key]);
    let tls = sound.unwrap().plan.connect.tls;
    assert_eq!((&tls.ca_pem[..], &tls.cert_pem[..], &tls.key_pem[..]), (cert.1, cert.1, key.1));
    let (_folder, swapped) = in_folder(&plan("cert: key.pem, key: cert.pem"), &[cert, key]);
    let swapped = message(swapped);
    assert_eq!(
        swapped,
        "wanted a PEM file with a CERTIFICATE, found none in `key.pem`\n\
         wanted a PEM file with a PRIVATE KEY, found none in `cert.pem`"
    );
    let (_folder, endless) = in_folder(&plan("ca: /dev/zero"), &[]);
    assert_eq!(message(endless), "the file `/dev/zero` cannot be read: it is not a regular file");
    let (_folder, alone) = in_folder(&plan("cert: cert.pem"), &[cert]);
    assert_eq!(message(alone), "`key` is missing");
}

#[test]
fn certificates_of_users_are_those_of_a_folder_with_their_keys() {
    let cert = |of: &str| format!("-----BEGIN CERTIFICATE-----\n{of}\n-----END CERTIFICATE-----\n");
    let key = |of: &str| format!("-----BEGIN PRIVATE KEY-----\n{of}\n-----END PRIVATE KEY-----\n");
    let plan = |lines: &str| format!("connect: {{tls: {{users: certs{lines}}}}}\n{}", step("get: /"));
    let read_with = |plan: &str, files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("certs")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join("certs").join(name), text).unwrap();
        }
        fs::write(folder.path().join("plan.yaml"), plan).unwrap();
        read(&folder.path().join("plan.yaml"), Secrets::LookedUp)
    };
    let whole = format!("{}some words\n{}{}", cert("AA=="), key("AB=="), cert("AC=="));
    let files = [("b.crt", &*cert("BA==")), ("b.key", &key("BB==")), ("a.pem", &whole), ("readme", "")];
    let sound = read_with(&plan(""), &files).unwrap().plan;
    let of = |cert_pem: String, key_pem: String| ClientCert { cert_pem: cert_pem.into(), key_pem: key_pem.into() };
    assert_eq!(
        sound.connect.tls.users,
        [of(cert("AA==") + &cert("AC=="), key("AB==")), of(cert("BA=="), key("BB==")),]
    );
    assert!(!format!("{sound:?}").contains("AB=="));
    assert!(!super::super::resolved(&sound).to_string().contains("AB=="));

    let told = |plan: &str, files: &[(&str, &str)]| message(read_with(plan, files));
    assert_eq!(told(&plan(""), &[]), {
        "wanted a folder of 1 to 1000 certificates (`.pem` or `.crt`), found none in `certs`"
    });
    let keyless = told(&plan(""), &[("a.pem", &cert("AA=="))]);
    assert!(keyless.ends_with("certs/a.key` cannot be read: there is no such file"), "{keyless}");
    let certless = told(&plan(""), &[("a.pem", &key("AA=="))]);
    assert!(certless.starts_with("wanted a PEM file with a CERTIFICATE, found none in "), "{certless}");
    let both = told(&plan(", cert: certs/b.crt, key: certs/b.key"), &files);
    assert_eq!(both, "each user has one certificate, found `cert` and `key` beside `users`");
    let shared = plan("").replace("users: 1\n", "users: 1\n    connections: pool\n");
    assert_eq!(told(&shared, &files), "users with certificates of their own (`tls.users`) cannot share connections");
    let (_folder, nowhere) = in_folder(&plan(""), &[]);
    assert_eq!(message(nowhere), "the folder `certs` cannot be read: there is no such file");
}

#[test]
fn plans_that_cannot_be_read_are_refused() {
    assert_eq!(
        message(read(Path::new("/nowhere/plan.yaml"), Secrets::LookedUp)),
        "the plan file cannot be read: there is no such file"
    );
    let endless = message(read(Path::new("/dev/zero"), Secrets::LookedUp));
    assert_eq!(endless, "wanted a plan file of at most 1048576 bytes, found a larger one");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(message(read(folder.path(), Secrets::LookedUp)), "the plan file cannot be read: it is a folder");
}

#[test]
fn a_huge_file_is_refused_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.yaml");
    // Sparse, so it costs nothing to make; but to read it would take 50 GiB of memory.
    fs::File::create(&path).unwrap().set_len(50 << 30).unwrap();
    assert_eq!(
        message(read(&path, Secrets::LookedUp)),
        format!("wanted a plan file of at most {FILE_BYTES_MAX} bytes, found a larger one")
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    fs::write(&path, [0x7f, b'E', b'L', b'F', 0xff, 0xfe]).unwrap();
    assert_eq!(message(read(&path, Secrets::LookedUp)), "wanted a text in UTF-8, found other bytes");
}
