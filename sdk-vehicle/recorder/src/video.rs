//! Where a video may be cut.

/// Whether an H.264 access unit in Annex B form is an IDR picture, from which decoding can start.
///
/// NAL unit types are those of ITU-T H.264 table 7-1: 5 is a slice of an IDR picture, 1 to 4 are slices of others.
pub fn is_h264_key_frame(access_unit: &[u8]) -> bool {
    let mut rest = access_unit;
    while let Some(at) = rest.windows(3).position(|bytes| bytes == [0, 0, 1]) {
        rest = &rest[at + 3..];
        match rest.first().map(|header| header & 0x1F) {
            Some(5) => return true,
            Some(1..=4) => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slice_decides() {
        let cases: [(&[u8], bool); 6] = [
            (&[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 9], true),
            (&[0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x41, 9], false),
            (&[0, 0, 1, 0x41, 0, 0, 1, 0x65], false),
            (&[0, 0, 0, 1, 0x67, 1], false),
            (&[0, 0, 1], false),
            (&[], false),
        ];
        for (bytes, expected) in cases {
            assert_eq!(is_h264_key_frame(bytes), expected, "{bytes:?}");
        }
    }
}
