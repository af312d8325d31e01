//! What the allocator does with the memory of one step before the next.

use std::ffi::c_int;
use std::sync::Once;

/// `mi_option_purge_delay`: milliseconds until freed pages go back to the system, -1 for never.
const PURGE_DELAY: c_int = 15;

/// Makes mimalloc keep the pages it has for as long as the program runs; call at the start.
///
/// Every step of an inversion needs the same few hundred megabytes again. Pages that were given back in
/// between are cleared by the system one by one when they are next touched, which took up to a third
/// of a step. Without effect in a program whose global allocator is another one.
pub fn keep_pages() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: writes one number of the allocator's table of options; the index is that of the
        // version this crate is built with, which ignores unknown ones.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocator_takes_the_setting() {
        keep_pages();
        // SAFETY: reads one number of the allocator's table of options.
        assert_eq!(unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }, -1);
    }
}
