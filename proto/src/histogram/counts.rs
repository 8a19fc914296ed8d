//! The buckets' counts: in pages that exist only where something was counted, or, as they come out of bytes, in a list.

use super::layout::BUCKETS;

/// How many buckets share a page.
const PAGE: usize = 256;
/// How many pages cover all buckets.
const PAGES: usize = BUCKETS.div_ceil(PAGE);
/// The place of a page on which nothing was counted.
const NOWHERE: u8 = u8::MAX;

// No page is ever kept at a place that means nowhere.
const _: () = assert!(PAGES <= NOWHERE as usize);

/// How often each bucket was hit. Pages are kept for reuse by any range of buckets, so that memory follows what is
/// counted between two calls of [`Counts::clear`], and a clear touches no page that was not used.
///
/// What an agent measures in one window hits few buckets, and is merged once and dropped: pages would cost many times
/// what they hold, so it stays a list until something is added to it.
#[derive(Clone)]
pub(super) struct Counts {
    /// Ascending buckets with their counts. While there are any, no page is in use.
    list: Vec<(u32, u64)>,
    /// Where in `pages` each page of buckets is kept.
    places: [u8; PAGES],
    /// The first `used` are in use, in the order of their first use; the others are zero.
    pages: Vec<[u64; PAGE]>,
    used: usize,
}

impl Counts {
    /// Counts that no page holds: for buckets that ascend, with counts that are not zero.
    pub(super) fn of_list(list: Vec<(u32, u64)>) -> Self {
        Self { list, ..Self::default() }
    }

    /// Adds to one bucket. The caller makes sure that the index is one and the count does not overflow.
    #[inline]
    pub(super) fn add(&mut self, index: usize, n: u64) {
        self.page_mut(index / PAGE)[index % PAGE] += n;
    }

    /// Adds all of `other`. The caller makes sure that no count overflows.
    pub(super) fn merge(&mut self, other: &Self) {
        for (index, n) in &other.list {
            self.add(*index as usize, *n);
        }
        // What comes out of bytes has no pages, and is merged by the thousand: there is nothing to look for in it.
        if other.used == 0 {
            return;
        }
        for (number, theirs) in other.pages() {
            for (mine, theirs) in self.page_mut(number).iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
    }

    /// Sets all counts to zero, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.pages[..self.used].fill([0; PAGE]);
        self.places = [NOWHERE; PAGES];
        self.used = 0;
        self.list.clear();
    }

    /// The buckets that are not empty, as index and count, in ascending order.
    pub(super) fn iter(&self) -> Buckets<'_> {
        Buckets { counts: self, listed: 0, next: 0 }
    }

    /// The pages in use, with their numbers, in ascending order.
    fn pages(&self) -> impl Iterator<Item = (usize, &[u64; PAGE])> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(number, place)| self.pages.get(usize::from(*place)).map(|page| (number, page)))
    }

    #[inline]
    fn page_mut(&mut self, number: usize) -> &mut [u64; PAGE] {
        let place = usize::from(self.places[number]);
        let place = if place < self.pages.len() { place } else { self.open(number) };
        &mut self.pages[place]
    }

    /// Takes a spare page into use, or a new one, and says where it is. A list moves into pages first.
    #[cold]
    fn open(&mut self, number: usize) -> usize {
        for (index, n) in std::mem::take(&mut self.list) {
            self.add(index as usize, n);
        }
        if self.places[number] != NOWHERE {
            return usize::from(self.places[number]);
        }
        let place = self.used;
        if place == self.pages.len() {
            // Doubling would waste more than it saves: there are many histograms, of a few pages each.
            self.pages.reserve_exact(1);
            self.pages.push([0; PAGE]);
        }
        self.places[number] = place as u8;
        self.used += 1;
        place
    }
}

/// Goes through the buckets that are not empty. It is no chain of closures, which whoever calls it would compile anew: tests
/// go through millions of them, and are compiled without optimisation.
pub(super) struct Buckets<'c> {
    counts: &'c Counts,
    /// The next place of the list.
    listed: usize,
    /// The next bucket that may be on a page.
    next: usize,
}

impl Iterator for Buckets<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        if let Some((index, n)) = self.counts.list.get(self.listed) {
            self.listed += 1;
            return Some((*index as usize, *n));
        }
        while let Some(place) = self.counts.places.get(self.next / PAGE) {
            let rest = self.counts.pages.get(usize::from(*place)).map(|page| &page[self.next % PAGE..]);
            if let Some((skipped, n)) = rest.and_then(|rest| rest.iter().enumerate().find(|(_, n)| **n > 0)) {
                self.next += skipped + 1;
                return Some((self.next - 1, *n));
            }
            self.next = (self.next / PAGE + 1) * PAGE;
        }
        None
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self { list: Vec::new(), places: [NOWHERE; PAGES], pages: Vec::new(), used: 0 }
    }
}

impl PartialEq for Counts {
    /// Equal counts, whatever memory they take.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleared_pages_serve_any_other_range() {
        let mut counts = Counts::default();
        for index in [1, PAGE, BUCKETS - 1] {
            counts.add(index, 7);
            assert_eq!(counts.iter().collect::<Vec<_>>(), [(index, 7)]);
            counts.clear();
            assert_eq!(counts.iter().next(), None);
        }
        assert_eq!(counts.pages.len(), 1, "one page was ever in use at a time");
    }

    #[test]
    fn a_list_counts_like_pages_and_becomes_them() {
        let buckets = [(3, 1), (PAGE as u32, 2), (BUCKETS as u32 - 1, 3)];
        let list = || Counts::of_list(buckets.to_vec());
        let mut paged = Counts::default();
        buckets.iter().for_each(|(index, n)| paged.add(*index as usize, *n));
        assert!(list() == paged);
        for index in [0, 3, 4, PAGE, PAGE + 1, BUCKETS - 1] {
            let (mut of_list, mut of_pages) = (list(), paged.clone());
            of_list.add(index, 5);
            of_pages.add(index, 5);
            assert!(of_list == of_pages, "bucket {index}");
        }
        let (mut of_list, mut of_pages) = (list(), paged.clone());
        of_list.merge(&list());
        of_pages.merge(&paged);
        assert!(of_list == of_pages);
        of_list.clear();
        assert_eq!(of_list.iter().next(), None);
    }

    #[test]
    fn all_buckets_take_no_more_than_their_pages() {
        let mut counts = Counts::default();
        (0..BUCKETS).rev().for_each(|index| counts.add(index, index as u64 + 1));
        assert_eq!(counts.pages.len(), PAGES);
        assert!(counts.iter().eq((0..BUCKETS).map(|index| (index, index as u64 + 1))));
    }
}
