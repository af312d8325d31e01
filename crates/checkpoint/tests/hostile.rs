//! Damaged and malicious files end in an error: no panic, no endless loop, no runaway memory.

mod expected;

use std::time::{Duration, Instant};

use expected::samples;
use proptest::prelude::*;
use reelgan_checkpoint::{Error, detect, ir, npy, pickle, read};

/// Feeds the bytes to every reader; results do not matter, returning does.
fn feed(bytes: &[u8]) {
    let _ = detect(bytes);
    let _ = read(bytes);
    let _ = npy::read(bytes);
    let _ = ir::Graph::parse(bytes);
    let _ = pickle::parse(bytes).and_then(|p| pickle::flatten(&p, "."));
}

/// Largest address space this process ever had, untouched reservations included.
#[cfg(target_os = "linux")]
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmPeak:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Runs `work` and checks that it was quick and that memory stayed bounded.
///
/// The bounds are far above what is needed on a slow machine and far below what the files ask for.
fn bounded(what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    assert!(start.elapsed() < Duration::from_secs(120), "{what} took {:?}", start.elapsed());
    #[cfg(target_os = "linux")]
    assert!(peak_bytes() < 6 << 30, "{what} reserved {} MiB", peak_bytes() >> 20);
}

#[test]
fn every_truncation_is_refused() {
    for (name, bytes) in samples() {
        // A MATLAB file says nowhere how many variables it has: a cut between two cannot be noticed.
        if name.ends_with(".mat") {
            continue;
        }
        // A cut inside the padding or the comment at the end of a file can go unnoticed; none has any.
        let step = (bytes.len() / 97).max(1);
        for len in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            assert!(
                read(&bytes[..len]).is_err(),
                "{name} cut to {len} of {} bytes was accepted",
                bytes.len()
            );
        }
    }
}

#[test]
fn flipped_bits_do_not_panic() {
    bounded("flipped bits", || {
        for (_, mut bytes) in samples().into_iter().filter(|(_, b)| b.len() < 100_000) {
            // Structure sits at both ends of every format; the middle is mostly numbers.
            let (len, edge) = (bytes.len(), 600);
            for at in (0..len).filter(|at| *at < edge || *at + edge > len || at % 997 == 0) {
                for bit in [0, 3, 7] {
                    bytes[at] ^= 1 << bit;
                    feed(&bytes);
                    bytes[at] ^= 1 << bit;
                }
            }
        }
    });
}

#[test]
fn nested_pickles() {
    bounded("deep nesting", || {
        let mut deep = b"\x80\x02".to_vec();
        deep.extend(std::iter::repeat_n(b']', 500_000));
        deep.extend(std::iter::repeat_n(b'a', 499_999));
        deep.push(b'.');
        assert!(matches!(read(&deep), Err(Error::Limit { .. })));
    });
}

#[test]
fn pickles_that_contain_themselves() {
    // A list appended to itself, and a dict that is its own value.
    for cyclic in [&b"\x80\x02]q\x00h\x00a."[..], b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."] {
        assert!(matches!(read(cyclic), Err(Error::Limit { .. })));
    }
}

/// Each list holds the one before twice: 2^60 leaves in a few hundred bytes.
#[test]
fn shared_pickles_that_multiply() {
    bounded("shared lists", || {
        let mut laughs = b"\x80\x02]q\x00".to_vec();
        for k in 0..60u8 {
            laughs.extend([b'h', k, b'h', k, 0x86, b'q', k + 1]);
        }
        laughs.push(b'.');
        assert!(matches!(read(&laughs), Err(Error::Limit { .. })));
    });
}

#[test]
fn pickles_without_end() {
    bounded("many objects", || {
        let mut many = b"\x80\x02".to_vec();
        many.extend(std::iter::repeat_n(b"]0", 4_000_000).flatten());
        assert!(matches!(pickle::parse(&many), Err(Error::Limit { .. })));
    });
    for declared in [
        &b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff."[..],
        b"\x80\x02B\xff\xff\xff\xffx.",
        b"\x80\x02\x8b\xff\xff\xff\xff.",
    ] {
        assert!(matches!(pickle::parse(declared), Err(Error::Truncated { .. })));
    }
}

/// Nothing is called: what would run a command stays a record of it.
#[test]
fn calls_stay_inert() {
    let attack = b"cposix\nsystem\n(S'touch /tmp/never'\ntR.";
    let pickle = pickle::parse(attack).unwrap();
    let call = pickle.root().call().unwrap();
    assert_eq!(call.path, "posix.system");
    assert_eq!(call.args.items().unwrap().next().unwrap().as_text(), Some("touch /tmp/never"));
    assert!(pickle::flatten(&pickle, ".").unwrap().arrays.is_empty());
}

/// A torch file, written by hand, of one tensor over a storage of four floats.
fn tensor(offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let number = |n: i32| [&b"J"[..], &n.to_le_bytes()].concat();
    let tuple = |list: &[i32]| {
        [b"(".to_vec(), list.iter().flat_map(|&n| number(n)).collect(), b"t".to_vec()].concat()
    };
    let mut file =
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.\x80\x02}."
            .to_vec();
    file.extend(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01kU\x03cpuK\x04NtQ");
    file.extend([number(offset), tuple(shape), tuple(strides)].concat());
    file.extend(b"\x89NtR.\x80\x02]U\x01ka.\x04\0\0\0\0\0\0\0");
    file.extend([1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()));
    file
}

#[test]
fn views_must_stay_in_their_storage() {
    let array = |offset, shape: &[i32], strides: &[i32]| {
        read(&tensor(offset, shape, strides)).map(|c| c.arrays[""].to_f32())
    };
    assert_eq!(array(0, &[2, 2], &[1, 2]).unwrap(), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(array(1, &[3, 2], &[1, 0]).unwrap(), [2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    assert_eq!(array(9, &[0, 2], &[1, 1]).unwrap(), [0.0; 0]);
    for (offset, shape, strides) in [
        (1, &[2, 2][..], &[2, 1][..]),
        (4, &[1], &[1]),
        (i32::MAX, &[2], &[i32::MAX]),
        (0, &[i32::MAX, i32::MAX, i32::MAX], &[i32::MAX, i32::MAX, i32::MAX]),
        (-1, &[2], &[1]),
        (0, &[2], &[-1]),
        (0, &[2], &[1, 1]),
    ] {
        assert!(array(offset, shape, strides).is_err(), "{offset} {shape:?} {strides:?}");
    }
    // In bounds, and far larger than the file: every element is the first.
    let huge = array(0, &[i32::MAX, 64], &[0, 0]);
    assert!(matches!(huge, Err(Error::Limit { .. })), "{huge:?}");
}

#[test]
fn sizes_that_numpy_headers_declare() {
    for shape in [
        "(99999999999,)",
        "(4294967296, 4294967296, 4294967296)",
        "(-1,)",
        "(1e9,)",
        "(0, 99999999999999999999999)",
    ] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        assert!(npy::read(&file).is_err(), "{shape}");
    }
    assert!(matches!(npy::read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), Err(Error::Limit { .. })));
}

#[test]
fn places_that_safetensors_headers_declare() {
    let max = u64::MAX;
    for entry in [
        format!(r#"{{"dtype":"F32","shape":[{max}],"data_offsets":[0,{max}]}}"#),
        format!(r#"{{"dtype":"F32","shape":[1],"data_offsets":[{max},{max}]}}"#),
        r#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#.into(),
        r#"{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}"#.into(),
        r#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#.into(),
    ] {
        let header = format!(r#"{{"x":{entry}}}"#);
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend([0; 4]);
        assert!(read(&file).is_err(), "{header}");
    }
    assert!(read(b"\xff\xff\x00\x00\x00\x00\x00\x00{").is_err());
}

proptest! {
    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        feed(&bytes);
    }

    /// Random bytes behind a right beginning get further.
    #[test]
    fn random_bytes_after_a_magic(which in 0usize..11, bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let magics: [&[u8]; 11] = [
            b"PK\x03\x04", b"PK\x05\x06", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.\x80\x02}.",
            b"\x80\x04", b"\x93NUMPY\x01\x00", b"\x10\0\0\0\0\0\0\0{", b"\x1f\x8b\x08", b"<net name='a'><layers>",
            b"\x01\x01\x81\x04\x81\x01", b"(dp0\n", b"[{\"weights\":[",
        ];
        feed(&[magics[which], &bytes].concat());
    }

    /// Streams of likely instructions reach the containers and calls of the machine.
    #[test]
    fn random_pickles(ops in prop::collection::vec(prop::sample::select(b"(.0NKJ]})tdeasuRbQhq\x85\x86\x87\x88\x81\x92\x93\x94\x8cX\x00\x01\x02".to_vec()), 0..400)) {
        feed(&[b"\x80\x02", ops.as_slice(), b"."].concat());
    }
}
