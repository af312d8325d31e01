//! Damaged and foreign files, each made of a good one by a named change, and the refusal each must get.

mod expected;

use std::io::Write;

use expected::golden;
use reelgan_checkpoint::{Error, Kind, open, read, shards};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// What an error must be.
#[derive(Debug, Clone, Copy)]
enum Want {
    Is(Kind),
    Truncated,
    Malformed,
    Unsupported,
    Limit,
    Duplicate,
}

impl Want {
    fn holds(self, error: &Error) -> bool {
        match (self, error) {
            (Want::Is(want), Error::NotAModel { kind, .. }) => want == *kind,
            (Want::Truncated, Error::Truncated { .. })
            | (Want::Malformed, Error::Malformed { .. })
            | (Want::Unsupported, Error::Unsupported { .. })
            | (Want::Limit, Error::Limit { .. })
            | (Want::Duplicate, Error::Duplicate { .. }) => true,
            _ => false,
        }
    }
}

/// A case: its name, the bytes, the error, and a word its message must have.
type Case = (&'static str, Vec<u8>, Want, &'static str);

fn check(cases: Vec<Case>) -> usize {
    let count = cases.len();
    for (name, bytes, want, word) in cases {
        let error = match read(&bytes) {
            Ok(_) => panic!("{name}: accepted"),
            Err(error) => error,
        };
        assert!(want.holds(&error), "{name}: {want:?} was expected: {error:?}");
        assert!(error.to_string().contains(word), "{name}: `{word}` is missing in: {error}");
        // The same through a file, whose name is then in the message.
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let from_file = open(file.path()).unwrap_err();
        assert!(from_file.to_string().contains(file.path().to_str().unwrap()), "{name}");
        match from_file {
            Error::In { source, .. } => assert!(want.holds(&source), "{name}: {source:?}"),
            Error::Io { .. } => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    count
}

fn good(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

fn cut(bytes: &[u8], len: usize) -> Vec<u8> {
    bytes[..len].to_vec()
}

/// Replaces the first occurrence, or the last.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8], last: bool) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut places = bytes.windows(from.len()).enumerate().filter(|(_, w)| *w == from);
    let at = if last { places.next_back() } else { places.next() };
    let (at, _) = at.expect("the part to change is there");
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

fn with(mut bytes: Vec<u8>, at: usize, new: &[u8]) -> Vec<u8> {
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in members {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    tar.append_data(&mut header, "weights.pt", &b"x"[..]).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn files_that_are_no_models() {
    let html = b"<!DOCTYPE html><html><head><title>Sign in</title>";
    let count = check(vec![
        ("empty", vec![], Want::Is(Kind::Empty), "fetch it again"),
        ("page", html.to_vec(), Want::Is(Kind::Html), "follow its link"),
        (
            "page with a byte-order mark",
            [b"\xef\xbb\xbf\n ".as_slice(), html].concat(),
            Want::Is(Kind::Html),
            "follow its link",
        ),
        (
            "git-lfs pointer",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n".to_vec(),
            Want::Is(Kind::LfsPointer),
            "git lfs pull",
        ),
        ("picture", b"\x89PNG\r\n\x1a\n....".to_vec(), Want::Is(Kind::Picture), "picture"),
        ("gzip", gzip(b"weights"), Want::Is(Kind::Gzip), "unpack it"),
        ("gzipped tar", gzip(&tar()), Want::Is(Kind::GzipTar), "out of the archive"),
        ("tar", tar(), Want::Is(Kind::Tar), "out of the archive"),
        ("xz", b"\xfd7zXZ\0\0\0".to_vec(), Want::Is(Kind::Compressed), "unpack it"),
        ("zstd", b"\x28\xb5\x2f\xfd\0\0".to_vec(), Want::Is(Kind::Compressed), "unpack it"),
        ("hdf5", b"\x89HDF\r\n\x1a\n\0".to_vec(), Want::Is(Kind::Hdf5), ".npz"),
        ("matlab 7.3", b"MATLAB 7.3 MAT-file, ".to_vec(), Want::Is(Kind::Hdf5), "-v7"),
        (
            "wheel",
            zip(&[("a/a.py", b""), ("a-1.dist-info/WHEEL", b"")]),
            Want::Is(Kind::Wheel),
            "out of the archive",
        ),
        ("zip", zip(&[("readme", b"x")]), Want::Is(Kind::Zip), "out of the archive"),
        ("message", b"Access denied\n".to_vec(), Want::Is(Kind::Text), "download that failed"),
        ("json", b"{\"error\": 403}".to_vec(), Want::Is(Kind::Text), "download that failed"),
        ("xml", b"<?xml version=\"1.0\"?><a/>".to_vec(), Want::Is(Kind::Xml), "XML"),
        ("noise", b"\x07\x01\x02\x03\x04".to_vec(), Want::Is(Kind::Unknown), "safetensors"),
    ]);
    assert_eq!(count, 18);
    let graph = read(b"<net name=\"a\"><layers/></net>").unwrap_err();
    assert!(Want::Is(Kind::IrXml).holds(&graph) && graph.to_string().contains(".bin"), "{graph}");
    let list = read(b"[{\"weights\":[],\"paths\":[]}]").unwrap_err();
    assert!(Want::Is(Kind::ShardManifest).holds(&list), "{list}");
}

/// The byte order and pickle that a torch zip is made of, for one float tensor of four elements.
const TREE: &[u8] = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00K\x04\x85K\x01\x85\x89NtR.";

#[test]
fn torch_zips() {
    let file = good("container_py38_zip.pt");
    let four = [0u8; 16];
    let sound = zip(&[("m/data.pkl", TREE), ("m/data/0", &four)]);
    assert_eq!(read(&sound).unwrap().arrays[""].shape, [4]);
    let entry = |bytes: &[u8]| bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let count = check(vec![
        ("cut in half", cut(&file, file.len() / 2), Want::Is(Kind::BrokenZip), "end of the file"),
        ("without its last byte", cut(&file, file.len() - 1), Want::Is(Kind::BrokenZip), "again"),
        ("storage absent", zip(&[("m/data.pkl", TREE)]), Want::Malformed, "storage `0`"),
        (
            "storage too short",
            zip(&[("m/data.pkl", TREE), ("m/data/0", &four[..15])]),
            Want::Malformed,
            "storage `0`",
        ),
        (
            "changed element",
            replaced(sound.clone(), &four, &[1; 16], false),
            Want::Malformed,
            "check sum",
        ),
        (
            "two trees",
            zip(&[("m/data.pkl", TREE), ("n/data.pkl", TREE), ("m/data/0", &four)]),
            Want::Malformed,
            "2 members",
        ),
        (
            "other byte order",
            zip(&[("m/data.pkl", TREE), ("m/data/0", &four), ("m/byteorder", b"big")]),
            Want::Unsupported,
            "big-endian",
        ),
        (
            "encrypted",
            with(sound.clone(), entry(&sound) + 8, &[1, 0]),
            Want::Unsupported,
            "encryption",
        ),
        (
            "unknown compression",
            with(sound.clone(), entry(&sound) + 10, &[12, 0]),
            Want::Unsupported,
            "compression method 12",
        ),
        (
            "two sizes",
            with(sound.clone(), entry(&sound) + 24, &[1, 0, 0, 0]),
            Want::Malformed,
            "two sizes",
        ),
        (
            "no header where the directory says",
            replaced(sound.clone(), b"PK\x03\x04", b"PK\x03\x05", true),
            Want::Malformed,
            "no member header",
        ),
        (
            "two members of one name",
            replaced(
                zip(&[("m/data.pkl", TREE), ("m/data/0", &four), ("m/data/1", &four)]),
                b"m/data/1",
                b"m/data/0",
                true,
            ),
            Want::Is(Kind::BrokenZip),
            "damaged",
        ),
        (
            "view outside",
            zip(&[
                ("m/data.pkl", &replaced(TREE.to_vec(), b"K\x04\x85", b"K\x05\x85", false)),
                ("m/data/0", &four),
            ]),
            Want::Malformed,
            "shape [5]",
        ),
        (
            "backwards",
            zip(&[
                (
                    "m/data.pkl",
                    &[&TREE[..TREE.len() - 8], b"J\xff\xff\xff\xff\x85\x89NtR."].concat(),
                ),
                ("m/data/0", &four),
            ]),
            Want::Malformed,
            "must be sizes",
        ),
        (
            "unknown storage",
            zip(&[
                ("m/data.pkl", &replaced(TREE.to_vec(), b"FloatStorage", b"QuatrStorage", false)),
                ("m/data/0", &four),
            ]),
            Want::Unsupported,
            "QuatrStorage",
        ),
    ]);
    assert_eq!(count, 15);
}

#[test]
fn torch_before_zips() {
    let file = good("container_py27_legacy.pth.tar");
    let count = check(vec![
        ("cut in a storage", cut(&file, file.len() - 1), Want::Truncated, "copy the file again"),
        ("cut in the tree", cut(&file, 300), Want::Truncated, "copy the file again"),
        ("cut in the version", cut(&file, 17), Want::Truncated, "copy the file again"),
        (
            "other protocol",
            replaced(file.clone(), b"M\xe9\x03.", b"M\xea\x03.", false),
            Want::Unsupported,
            "1001",
        ),
        (
            "unknown storage",
            replaced(file.clone(), b"DoubleStorage", b"DaubleStorage", false),
            Want::Unsupported,
            "DaubleStorage",
        ),
    ]);
    assert_eq!(count, 5);
}

#[test]
fn pickles() {
    let two = |key: &[u8]| {
        let array =
            b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02f4K\x00K\x01tRU\x04\0\0\0\0tR";
        [b"\x80\x02}(".as_slice(), key, array, b"u."].concat()
    };
    assert_eq!(read(&two(b"U\x01a")).unwrap().arrays["a"].to_f32(), [0.0]);
    let array = &two(b"U\x01a")[4..two(b"U\x01a").len() - 2];
    let nested =
        [b"\x80\x02}(U\x03a/b".as_slice(), &array[3..], b"U\x01a}U\x01b", &array[3..], b"su."]
            .concat();
    let count = check(vec![
        ("cut", b"\x80\x04]\x94(".to_vec(), Want::Truncated, "copy the file again"),
        ("unknown instruction", b"\x80\x04\xff.".to_vec(), Want::Unsupported, "opcode 0xff"),
        ("registry", b"\x80\x02\x82\x01.".to_vec(), Want::Unsupported, "opcode 0x82"),
        ("other protocol", b"\x80\x05\x80\x09.".to_vec(), Want::Unsupported, "protocol 9"),
        ("empty stack", b"\x80\x02.".to_vec(), Want::Malformed, "stack is empty"),
        ("unknown memo", b"\x80\x02h\x07.".to_vec(), Want::Malformed, "memo entry 7"),
        ("key without value", b"\x80\x02}(K\x01u.".to_vec(), Want::Malformed, "no value"),
        ("long string", b"\x80\x02T\xff\xff\xff\x7fabc.".to_vec(), Want::Truncated, "2147483647"),
        ("cycle", b"\x80\x02]q\x00h\x00a.".to_vec(), Want::Limit, "nesting"),
        ("no storage", TREE.to_vec(), Want::Malformed, "stands alone"),
        (
            "short array",
            replaced(two(b"U\x01a"), b"f4", b"f8", false),
            Want::Malformed,
            "needs 8 bytes",
        ),
        (
            "unknown numbers",
            replaced(two(b"U\x01a"), b"f4", b"q4", false),
            Want::Unsupported,
            "`q4`",
        ),
        ("two arrays of one name", nested, Want::Duplicate, "a/b"),
    ]);
    assert_eq!(count, 13);
}

fn npy(header: &str, data: usize) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

#[test]
fn numpy_files() {
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}")
    };
    let sound = header("'<f4'", "(2,)");
    assert_eq!(read(&npy(&sound, 8)).unwrap().arrays["array"].shape, [2]);
    let count = check(vec![
        ("too short", npy(&sound, 7), Want::Truncated, "needs 8 bytes"),
        ("too long", npy(&sound, 9), Want::Malformed, "1 bytes follow"),
        ("no dict", npy("[]", 8), Want::Unsupported, "header"),
        ("record", npy(&header("[('a', '<f4')]", "(2,)"), 8), Want::Unsupported, "header"),
        ("complex", npy(&header("'<c8'", "(1,)"), 8), Want::Unsupported, "`c8`"),
        ("huge", npy(&header("'<f8'", "(4294967296, 4294967296)"), 8), Want::Malformed, "larger"),
        ("other version", with(npy(&sound, 8), 6, &[9]), Want::Unsupported, "version 9"),
        ("long header", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f".to_vec(), Want::Limit, "header"),
        ("member that is none", zip(&[("a.npy", b"no array")]), Want::Malformed, "magic bytes"),
    ]);
    assert_eq!(count, 9);
}

fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

#[test]
fn safetensors_files() {
    let entry = |name: &str, dtype: &str, from: u64, to: u64| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":[1],"data_offsets":[{from},{to}]}}"#)
    };
    let file = |entries: &[String], data| safetensors(&format!("{{{}}}", entries.join(",")), data);
    assert!(read(&file(&[entry("a", "F32", 0, 4), entry("b", "F32", 4, 8)], 8)).is_ok());
    let sound = file(&[entry("a", "F32", 0, 4)], 4);
    let count = check(vec![
        ("cut in the header", cut(&sound, 20), Want::Truncated, "bytes expected"),
        ("cut in the data", cut(&sound, sound.len() - 1), Want::Truncated, "`a` ends"),
        ("no JSON", safetensors("{nonsense", 0), Want::Malformed, "JSON"),
        (
            "overlap",
            file(&[entry("a", "F32", 0, 4), entry("b", "F32", 0, 4)], 4),
            Want::Malformed,
            "begins at byte 0",
        ),
        ("gap", file(&[entry("a", "F32", 4, 8)], 8), Want::Malformed, "begins at byte 4"),
        ("unused end", file(&[entry("a", "F32", 0, 4)], 8), Want::Malformed, "end at byte 4"),
        ("wrong size", file(&[entry("a", "F64", 0, 4)], 4), Want::Malformed, "needs 8 bytes"),
        ("backwards", file(&[entry("a", "F32", 4, 0)], 4), Want::Malformed, "needs 4 bytes"),
        ("unknown type", file(&[entry("a", "Q7", 0, 4)], 4), Want::Unsupported, "`Q7`"),
    ]);
    assert_eq!(count, 9);
}

#[test]
fn matlab_files() {
    let plain = good("scipy_plain.mat");
    let packed = good("scipy_compressed.mat");
    // The first variable is the element after the header: type, length, content.
    let first_len = u32::from_le_bytes(packed[132..136].try_into().unwrap()) as usize;
    let in_first = 136 + first_len / 2;
    let mut deep = Vec::new();
    for _ in 0..40 {
        deep = cell(&deep);
    }
    let nested = [&plain[..128], &deep[..]].concat();
    let count = check(vec![
        ("header alone", cut(&plain, 128), Want::Truncated, "no variable"),
        ("cut in the header", cut(&plain, 100), Want::Truncated, "128 bytes"),
        ("cut in a variable", cut(&plain, 190), Want::Truncated, "bytes expected"),
        ("cut in a packed one", cut(&packed, in_first), Want::Truncated, "bytes expected"),
        ("no byte order", with(plain.clone(), 126, b"XX"), Want::Malformed, "byte order"),
        ("other version", with(plain.clone(), 124, &[9, 9]), Want::Unsupported, "0x0909"),
        ("not a variable", with(plain.clone(), 128, &[9]), Want::Malformed, "type 9"),
        ("unknown class", with(plain.clone(), 144, &[99]), Want::Malformed, "class 99"),
        (
            "damaged packing",
            with(packed.clone(), 136, &[0xff, 0xff, 0xff]),
            Want::Malformed,
            "compressed variable",
        ),
        ("too deep", nested, Want::Limit, "nesting"),
        // The extents of the first variable: 2 x 3 becomes 2 x 4.
        ("other extents", with(plain.clone(), 164, &[4]), Want::Malformed, "needs 64 bytes"),
    ]);
    assert_eq!(count, 11);
}

/// A cell of one element, the variable `inner`.
fn cell(inner: &[u8]) -> Vec<u8> {
    let element = |kind: u32, content: &[u8]| {
        [&kind.to_le_bytes()[..], &(content.len() as u32).to_le_bytes(), content].concat()
    };
    let extents = [1u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    let head = [element(6, &[1, 0, 0, 0, 0, 0, 0, 0]), element(5, &extents), element(1, b"")];
    let inner = if inner.is_empty() { element(14, b"") } else { inner.to_vec() };
    element(14, &[head.concat(), inner].concat())
}

#[test]
fn shape_predictors() {
    let file = good("two_points.dat");
    let count = check(vec![
        ("cut", cut(&file, file.len() / 2), Want::Truncated, "again"),
        ("without its last byte", cut(&file, file.len() - 1), Want::Truncated, "again"),
        ("longer", [&file[..], b"\x01\x01"].concat(), Want::Malformed, "2 bytes follow"),
        ("odd shape", with(file.clone(), 3, &[3]), Want::Malformed, "3 numbers"),
        ("wide matrix", with(file.clone(), 5, &[2]), Want::Malformed, "matrix of 4 x 2"),
        (
            "no matrix",
            b"\x01\x01\x81\x04\x81\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            Want::Malformed,
            "no packed number",
        ),
        (
            "many cascades",
            b"\x01\x01\x81\x02\x81\x01\x01\x01\x01\x00\x01\x01\x01\x00\x04\xff\xff\xff\x7f".to_vec(),
            Want::Truncated,
            "2147483647 items",
        ),
        (
            "huge exponent",
            b"\x01\x01\x81\x02\x81\x01\x01\x01\x02\xff\x7d\x01\x01\x01\x00".to_vec(),
            Want::Malformed,
            "exponent 32255",
        ),
    ]);
    assert_eq!(count, 8);
}

#[test]
fn quantised_shards() {
    let weight = |name: &str, dtype: &str, extra: &str| {
        format!(r#"{{"name":"{name}","shape":[2],"dtype":"{dtype}"{extra}}}"#)
    };
    let quantised = r#","quantization":{"dtype":"uint8","scale":0.5,"min":-1}"#;
    let list = |weights: &[String], path: &str| {
        format!(r#"[{{"paths":["{path}"],"weights":[{}]}}]"#, weights.join(","))
    };
    let one = |extra: &str| list(&[weight("a", "float32", extra)], "m.bin");
    let sound = shards::read(one(quantised).as_bytes(), &[1, 3]).unwrap();
    assert_eq!(sound["a"].to_f32(), [-0.5, 0.5]);
    for (name, list, bytes, want, word) in [
        ("too few", one(quantised), vec![1], Want::Truncated, "2 bytes expected"),
        ("too many", one(quantised), vec![1, 2, 3], Want::Malformed, "1 bytes of m.bin"),
        (
            "no scale",
            one(r#","quantization":{"dtype":"uint8","min":1}"#),
            vec![1, 2],
            Want::Malformed,
            "without scale",
        ),
        (
            "no finite numbers",
            one(r#","quantization":{"dtype":"uint8","scale":1e300,"min":1e300}"#),
            vec![1, 2],
            Want::Malformed,
            "not finite",
        ),
        (
            "unknown type",
            list(&[weight("a", "complex64", "")], "m.bin"),
            vec![],
            Want::Unsupported,
            "complex64",
        ),
        (
            "two of one name",
            list(&[weight("a", "uint8", ""), weight("a", "uint8", "")], "m.bin"),
            vec![0; 4],
            Want::Duplicate,
            "`a`",
        ),
        ("no JSON", "[{".into(), vec![], Want::Malformed, "weights_manifest"),
        ("nothing", "[]".into(), vec![], Want::Malformed, "0 groups"),
    ] {
        let error = shards::read(list.as_bytes(), &bytes).unwrap_err();
        assert!(want.holds(&error) && error.to_string().contains(word), "{name}: {error:?}");
    }
    // Files it names must be its neighbours, and there.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights_manifest.json");
    for (named, word) in
        [("../m.bin", "another folder"), ("/etc/passwd", "another folder"), ("m.bin", "m.bin")]
    {
        std::fs::write(&path, list(&[weight("a", "float32", "")], named)).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(word), "{named}: {error}");
    }
}
