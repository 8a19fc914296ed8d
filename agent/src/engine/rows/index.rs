//! Where rows begin.

use memchr::memchr_iter;

/// Up to so many rows each has its place in memory: 8 MiB.
const DENSE_ROWS_MAX: usize = 1 << 20;
/// Of more rows, only each of so many: 12 MiB for 100 million.
const SPARSE: u64 = 64;

/// Where rows begin, as far as they were looked through.
#[derive(Debug)]
pub(super) struct Index {
    /// Where each of so many rows begins.
    places: Vec<u64>,
    /// Of how many.
    each: u64,
    /// How many rows are whole.
    rows: u64,
    /// Where the next row begins.
    next: u64,
    /// How much was looked through.
    seen: u64,
}

/// Where to look for a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// From where on.
    pub(super) from: u64,
    /// Up to where; up to the end, if that is not known.
    pub(super) to: Option<u64>,
    /// How many rows come before it from there on.
    pub(super) before: u64,
}

impl Default for Index {
    /// Nothing was looked through.
    fn default() -> Self {
        Self { places: Vec::new(), each: 1, rows: 0, next: 0, seen: 0 }
    }
}

impl Index {
    /// Looks through what comes next.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for end in memchr_iter(b'\n', bytes) {
            if self.rows.is_multiple_of(self.each) {
                self.note();
            }
            self.rows += 1;
            self.next = self.seen + end as u64 + 1;
        }
        self.seen += bytes.len() as u64;
    }

    /// Notes where the next row begins.
    fn note(&mut self) {
        if self.places.len() == DENSE_ROWS_MAX && self.each == 1 {
            self.each = SPARSE;
            let mut number = 0;
            self.places.retain(|_| {
                number += 1;
                (number - 1_u64).is_multiple_of(SPARSE)
            });
            // Nothing more is held than what is needed.
            self.places.shrink_to_fit();
        }
        self.places.push(self.next);
    }

    /// How many whole rows there are, and how many bytes they take.
    pub(super) fn whole(&self) -> (u64, u64) {
        (self.rows, self.next)
    }

    /// How many bytes were looked through.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Where to look for a row; nowhere if there is no such.
    pub(super) fn find(&self, number: u64) -> Option<Place> {
        if number >= self.rows {
            return None;
        }
        let at = (number / self.each) as usize;
        Some(Place { from: *self.places.get(at)?, to: self.places.get(at + 1).copied(), before: number % self.each })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_are_found_from_each_64th_on() {
        let mut index = Index::default();
        let rows = DENSE_ROWS_MAX as u64;
        (0..rows).for_each(|_| index.add(b"1\n"));
        assert_eq!(index.find(777), Some(Place { from: 1_554, to: Some(1_556), before: 0 }));
        assert_eq!(index.places.len(), DENSE_ROWS_MAX);
        index.add(b"1\n1\n1\n");
        assert_eq!(index.places.len() as u64, rows / SPARSE + 1);
        assert_eq!(index.find(777), Some(Place { from: 1_536, to: Some(1_664), before: 9 }));
        assert_eq!(index.find(rows + 2), Some(Place { from: 2 * rows, to: None, before: 2 }));
        assert_eq!(index.find(rows + 3), None);
        assert_eq!(index.whole(), (rows + 3, 2 * rows + 6));
    }
}
