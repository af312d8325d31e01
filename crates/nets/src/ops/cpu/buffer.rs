//! Output memory that several threads fill without clearing it first.
//!
//! The maps of a 1024-pixel generator are tens of megabytes each: zeroing them before they are
//! written would cost a tenth of the whole pass.

use std::mem::MaybeUninit;
use std::ops::Range;

/// `len` numbers being written, each by one thread.
pub struct Filling {
    /// Length 0; the capacity holds the numbers. Only ever written through `start`, so that no
    /// reference to it is alive while threads write.
    data: Vec<f32>,
    start: *mut f32,
    len: usize,
}

// SAFETY: the pointer belongs to the vector beside it and moves with it.
unsafe impl Send for Filling {}
// SAFETY: shared access only hands out ranges, under the promise of `part` that they do not
// overlap.
unsafe impl Sync for Filling {}

impl Filling {
    /// Reserves memory for `len` numbers.
    pub fn new(len: usize) -> Filling {
        let mut data: Vec<f32> = Vec::with_capacity(len);
        let start = data.as_mut_ptr();
        Filling { data, start, len }
    }

    /// The given range, to be written.
    ///
    /// # Panics
    /// If the range lies outside the buffer.
    ///
    /// # Safety
    /// While the returned slice is in use no overlapping range may be taken.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [MaybeUninit<f32>] {
        assert!(range.start <= range.end && range.end <= self.len, "range inside the buffer");
        // SAFETY: inside the allocation by the assertion; not aliased by the caller's promise;
        // `MaybeUninit` needs no value.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start).cast(), range.len()) }
    }

    /// The filled numbers.
    ///
    /// # Safety
    /// Every number has been written.
    pub unsafe fn finish(mut self) -> Vec<f32> {
        // SAFETY: the capacity is at least `len`, and the caller promises that all of it is
        // initialised.
        unsafe { self.data.set_len(self.len) };
        self.data
    }
}

/// Writes `value(i)` to every place of `target`.
#[inline(always)]
pub fn fill_with(target: &mut [MaybeUninit<f32>], value: impl Fn(usize) -> f32) {
    for (i, place) in target.iter_mut().enumerate() {
        place.write(value(i));
    }
}

/// Fills a new buffer of `count * size` numbers chunk by chunk in parallel; `write(k, chunk)` must
/// write all of chunk `k`.
///
/// # Safety
/// `write` initialises every place of the chunk it is given.
pub unsafe fn filled_by_chunks(
    count: usize,
    size: usize,
    write: impl Fn(usize, &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    use rayon::prelude::*;
    let out = Filling::new(count * size);
    (0..count).into_par_iter().for_each(|k| {
        // SAFETY: the chunks of different k do not overlap.
        write(k, unsafe { out.part(k * size..(k + 1) * size) });
    });
    // SAFETY: the chunks cover the buffer and the caller promises that each was written.
    unsafe { out.finish() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_land_in_order() {
        // SAFETY: the closure writes every place.
        let v =
            unsafe { filled_by_chunks(7, 5, |k, chunk| fill_with(chunk, |i| (k * 10 + i) as f32)) };
        let expected: Vec<f32> =
            (0..7).flat_map(|k| (0..5).map(move |i| (k * 10 + i) as f32)).collect();
        assert_eq!(v, expected);
        // SAFETY: nothing to write.
        assert!(unsafe { filled_by_chunks(0, 5, |_, _| ()) }.is_empty());
    }

    #[test]
    #[should_panic(expected = "range inside")]
    fn a_range_outside_is_refused() {
        let out = Filling::new(4);
        // SAFETY: the only range taken.
        unsafe { out.part(2..5) };
    }
}
