use super::*;

#[test]
fn bytes_are_the_published_format() {
    let array = Array::new([1, 2, 2], vec![1.0, 2.0, 0.5, -1.0]).unwrap();
    let bytes = to_bytes(&array).unwrap();
    // 118 bytes of header end on a multiple of 64: 128 with the 10 before it.
    assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
    let header = std::str::from_utf8(&bytes[10..128]).unwrap();
    assert_eq!(header.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2), }");
    assert!(header.ends_with(" \n"));
    let values: Vec<u8> = [1.0f32, 2.0, 0.5, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(bytes[128..], values);
}

#[test]
fn shapes_are_python_tuples() {
    assert_eq!(tuple(&[]), "()");
    assert_eq!(tuple(&[3]), "(3,)");
    assert_eq!(tuple(&[1, 16, 512]), "(1, 16, 512)");
}

#[test]
fn every_header_length_is_aligned() {
    for digits in 0..80 {
        let mut shape = vec![1; digits];
        shape.push(10usize.pow(digits as u32 % 4));
        let values = shape.iter().product();
        let bytes = to_bytes(&Array::new(shape, vec![0.0; values]).unwrap()).unwrap();
        assert_eq!((bytes.len() - 4 * values) % 64, 0);
        assert_eq!(bytes[bytes.len() - 4 * values - 1], b'\n');
    }
}

#[test]
fn a_shape_that_does_not_fit_is_refused() {
    let array = Array { shape: vec![3], data: vec![0.0; 2] };
    assert!(to_bytes(&array).is_err());
    let array = Array { shape: vec![1; 40_000], data: vec![0.0] };
    assert!(to_bytes(&array).unwrap_err().to_string().contains("65535"));
}
