//! Every operation of every instruction set against the scalar one.

use super::*;

/// Every operation against the scalar one, on numbers for which rounding plays no part.
struct AllOperations;

impl Kernel for AllOperations {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let a: Vec<f32> = (0..40).map(|i| i as f32 - 7.0).collect();
        let b: Vec<f32> = (0..40).map(|i| 3.0 - 0.5 * i as f32).collect();
        let (va, vb) = (simd.load(&a), simd.load(&b));
        let check = |v: S::Vector, f: &dyn Fn(usize) -> f32| {
            let mut out = vec![99.0; S::LANES + 1];
            simd.store(v, &mut out);
            for (lane, got) in out[..S::LANES].iter().enumerate() {
                assert_eq!(*got, f(lane), "lane {lane}");
            }
            assert_eq!(out[S::LANES], 99.0);
        };
        check(simd.splat(2.5), &|_| 2.5);
        check(simd.add(va, vb), &|i| a[i] + b[i]);
        check(simd.sub(va, vb), &|i| a[i] - b[i]);
        check(simd.mul(va, vb), &|i| a[i] * b[i]);
        check(simd.mul_add(va, vb, va), &|i| a[i] * b[i] + a[i]);
        check(simd.max(va, vb), &|i| a[i].max(b[i]));
        check(simd.where_positive(va, vb, va), &|i| if a[i] > 0.0 { b[i] } else { a[i] });
        check(simd.where_positive(simd.splat(f32::NAN), va, vb), &|i| b[i]);
        assert_eq!(simd.sum(va), a[..S::LANES].iter().sum::<f32>());
        for count in 0..S::LANES + 2 {
            check(simd.load_part(&a[..count]), &|i| if i < count { a[i] } else { 0.0 });
            check(simd.load_after_zero(&a[..count]), &|i| {
                if (1..count + 1).contains(&i) { a[i - 1] } else { 0.0 }
            });
            let mut out = [99.0; 40];
            simd.store_part(va, &mut out[..count]);
            for (i, out) in out.iter().enumerate() {
                assert_eq!(*out, if i < count.min(S::LANES) { a[i] } else { 99.0 });
            }
        }
        for stream in [false, true] {
            let mut out = [MaybeUninit::new(99.0f32); 40];
            // From an aligned place and from others.
            for start in 0..17 {
                let target = &mut out[start..];
                if stream {
                    simd.stream(va, target)
                } else {
                    simd.store_uninit(va, target)
                }
                // SAFETY: every element was initialised on creation.
                assert!((0..S::LANES).all(|i| unsafe { out[start + i].assume_init() } == a[i]));
            }
            // SAFETY: as above.
            assert!(out[16 + S::LANES..].iter().all(|v| unsafe { v.assume_init() } == 99.0));
        }
    }
}

#[test]
fn every_operation_on_every_instruction_set() {
    Isa::available().for_each(|isa| isa.run(AllOperations));
}

#[test]
fn names_parse_and_others_are_refused() {
    assert_eq!("avx2".parse(), Ok(Isa::Avx2));
    assert_eq!("portable".parse(), Ok(Isa::Portable));
    assert_eq!("avx512".parse(), Ok(Isa::Avx512));
    assert!("AVX9".parse::<Isa>().is_err());
    assert!(Isa::available().any(|isa| isa == Isa::Portable));
}
