use super::*;

/// A 2 x 1 field, (1.5, -2) then (0.25, 3), put together by hand.
fn by_hand() -> Vec<u8> {
    let mut bytes = b"PIEH".to_vec();
    bytes.extend([2, 0, 0, 0, 1, 0, 0, 0]);
    for v in [1.5f32, -2.0, 0.25, 3.0] {
        bytes.extend(v.to_le_bytes());
    }
    bytes
}

fn message(bytes: &[u8]) -> String {
    Flow::from_flo(bytes).unwrap_err().to_string()
}

#[test]
fn flo_is_the_published_format() {
    let flow = Flow::from_flo(&by_hand()).unwrap();
    assert_eq!((flow.count(), flow.height(), flow.width()), (1, 1, 2));
    assert_eq!(flow.data(), [1.5, 0.25, -2.0, 3.0]);
    assert_eq!(flow.to_flo(0), by_hand());
}

#[test]
fn files_come_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = (0..48).map(|v| v as f32 / 7.0 - 3.0).collect();
    let flow = Flow::new(2, 3, 4, data).unwrap();
    let fields = (0..2).map(|k| {
        let path = folder.path().join(format!("{k}.flo"));
        flow.write(k, &path).unwrap();
        Flow::read(&path).unwrap()
    });
    assert_eq!(Flow::from_fields(fields.collect()).unwrap(), flow);
}

#[test]
fn every_cut_is_refused() {
    let whole = by_hand();
    for end in 0..whole.len() {
        assert!(Flow::from_flo(&whole[..end]).is_err(), "{end}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(message(&longer).contains("need 28 bytes, but it has 29"));
}

#[test]
fn wrong_headers_are_refused_before_memory_is_taken() {
    let mut bytes = by_hand();
    bytes[0] = b'p';
    assert!(message(&bytes).contains("202021.25"));
    for size in [0i32, -1, i32::MIN, i32::MAX, 70_000] {
        let mut bytes = by_hand();
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        assert!(message(&bytes).contains("each side"), "{size}");
    }
    let mut bytes = by_hand();
    bytes[4..12].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
    assert!(message(&bytes).contains("65536 x 65536"));
}

#[test]
fn unknown_vectors_are_refused() {
    for unknown in [f32::NAN, f32::INFINITY, -1.1e9, 1.67e9] {
        let mut bytes = by_hand();
        bytes[24..28].copy_from_slice(&unknown.to_le_bytes());
        let error = message(&bytes);
        assert!(error.contains("column 1, row 0 is marked unknown"), "{error}");
    }
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.flo");
    std::fs::write(&path, "<html>").unwrap();
    assert!(Flow::read(&path).unwrap_err().to_string().contains("bad.flo"));
    let absent = Flow::read(&folder.path().join("absent.flo")).unwrap_err();
    assert!(absent.to_string().contains("absent.flo"), "{absent}");
}

#[test]
fn sizes_are_checked() {
    assert!(Flow::new(1, 2, 2, vec![0.0; 7]).is_err());
    assert!(Flow::new(0, 2, 2, vec![]).is_err());
    assert!(Flow::new(usize::MAX, usize::MAX, 2, vec![]).is_err());
    assert!(Flow::new(1, 1, 1, vec![0.0, f32::NAN]).is_err());
    let field = |h, w| Flow::new(1, h, w, vec![0.0; 2 * h * w]).unwrap();
    assert!(Flow::from_fields(vec![field(2, 3), field(3, 2)]).is_err());
    assert!(Flow::from_fields(vec![]).is_err());
}
