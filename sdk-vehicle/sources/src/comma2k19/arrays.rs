//! NumPy arrays as comma2k19 stores them: checked against what is expected before anything is allocated.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};

/// An array that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArrayError {
    /// It is not there.
    #[error("{}: there is no such array; expected it in a comma2k19 segment", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{}: cannot read the array", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}: expected {expected}, found {found}", .path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What a comma2k19 segment has here.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl ArrayError {
    /// For a content that is wrong.
    pub fn unexpected(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unexpected { path: path.to_owned(), expected: expected.into(), found: found.into() }
    }
}

/// Numbers in rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where they come from.
    pub path: PathBuf,
    columns: usize,
    values: Vec<f64>,
}

impl Table {
    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.values.len() / self.columns
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns..(index + 1) * self.columns]
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns)
    }
}

/// Floats of `columns` columns; one column also as a flat array.
pub fn read_floats(path: &Path, columns: usize) -> Result<Table, ArrayError> {
    let raw = Raw::read(path, "floats", |kind| matches!(kind, TypeChar::Float))?;
    let rows = raw.rows_of(columns)?;
    let cell = |index: usize| match raw.size {
        4 => f64::from(f32::from_ne_bytes(raw.native(index))),
        _ => f64::from_ne_bytes(raw.native(index)),
    };
    let values = (0..rows * columns).map(|index| cell(raw.place(index, rows, columns))).collect();
    Ok(Table { path: path.to_owned(), columns, values })
}

/// A flat array of whole numbers of any width.
pub fn read_integers(path: &Path) -> Result<Vec<i64>, ArrayError> {
    let raw = Raw::read(path, "whole numbers", |kind| matches!(kind, TypeChar::Int | TypeChar::Uint))?;
    let rows = raw.rows_of(1)?;
    let cell = |index: usize| {
        let wide = |signed: i64, unsigned: u64| if raw.is_signed { Some(signed) } else { i64::try_from(unsigned).ok() };
        match raw.size {
            1 => wide(i8::from_ne_bytes(raw.native(index)).into(), u8::from_ne_bytes(raw.native(index)).into()),
            2 => wide(i16::from_ne_bytes(raw.native(index)).into(), u16::from_ne_bytes(raw.native(index)).into()),
            4 => wide(i32::from_ne_bytes(raw.native(index)).into(), u32::from_ne_bytes(raw.native(index)).into()),
            _ => wide(i64::from_ne_bytes(raw.native(index)), u64::from_ne_bytes(raw.native(index))),
        }
    };
    (0..rows)
        .map(|index| {
            cell(index).ok_or_else(|| {
                ArrayError::unexpected(path, "numbers below 2^63", format!("a larger one in row {index}"))
            })
        })
        .collect()
}

/// A flat array of byte strings, without the trailing zero bytes that NumPy cannot tell from padding.
pub fn read_strings(path: &Path, longest: usize) -> Result<Vec<Vec<u8>>, ArrayError> {
    let raw = Raw::read(path, "byte strings", |kind| matches!(kind, TypeChar::ByteStr))?;
    let rows = raw.rows_of(1)?;
    if raw.size > longest {
        let found = format!("strings of {} bytes", raw.size);
        return Err(ArrayError::unexpected(path, format!("strings of at most {longest} bytes"), found));
    }
    if raw.size == 0 {
        return Ok(vec![Vec::new(); rows]);
    }
    Ok(raw
        .bytes
        .chunks_exact(raw.size)
        .map(|cell| {
            let used = cell.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            cell[..used].to_vec()
        })
        .collect())
}

/// Times in seconds: finite, not negative, never falling.
pub fn read_times(path: &Path) -> Result<Vec<f64>, ArrayError> {
    let table = read_floats(path, 1)?;
    let mut last = 0.0;
    for (index, &time) in table.values.iter().enumerate() {
        if !time.is_finite() || time < 0.0 {
            return Err(ArrayError::unexpected(path, "seconds since boot", format!("{time} in row {index}")));
        }
        if time < last {
            let found = format!("{time} in row {index} after {last}");
            return Err(ArrayError::unexpected(path, "times that never fall", found));
        }
        last = time;
    }
    Ok(table.values)
}

/// The bytes of an array with its layout.
struct Raw {
    path: PathBuf,
    shape: Vec<u64>,
    is_fortran: bool,
    size: usize,
    is_signed: bool,
    is_swapped: bool,
    bytes: Vec<u8>,
}

impl Raw {
    fn read(path: &Path, what: &str, is_wanted: impl Fn(TypeChar) -> bool) -> Result<Self, ArrayError> {
        let failed = |source| ArrayError::Read { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ArrayError::Missing(path.to_owned()));
            }
            Err(error) => return Err(failed(error)),
        };
        let length = file.metadata().map_err(failed)?.len();
        let mut reader = BufReader::new(file);
        let not_npy = |found: String| ArrayError::unexpected(path, "a NumPy array (.npy)", found);
        let text = header_bytes(&mut reader).map_err(|error| not_npy(format!("another content: {error}")))?;
        if !has_sane_shape(&text) {
            return Err(not_npy("a header that declares an impossible shape".to_owned()));
        }
        let header = NpyHeader::from_reader(text.as_slice())
            .map_err(|error| not_npy(format!("a header that cannot be read: {error}")))?;
        let DType::Plain(kind) = header.dtype() else {
            return Err(ArrayError::unexpected(path, what, format!("records {}", header.dtype().descr())));
        };
        let size = element_size(&kind).filter(|size| is_wanted(kind.type_char()) && is_usual(&kind, *size));
        let Some(size) = size else {
            return Err(ArrayError::unexpected(path, what, format!("elements of type {kind}")));
        };
        let shape = header.shape().to_vec();
        let at = reader.stream_position().map_err(failed)?;
        let wanted = shape.iter().try_fold(size as u64, |bytes, side| bytes.checked_mul(*side));
        let present = length.saturating_sub(at);
        let wanted = match wanted {
            Some(wanted) if wanted <= present => wanted,
            _ => {
                let expected = format!("data for the shape {shape:?} its header declares");
                let found = format!("{present} bytes of data: the file was cut short, copy it again");
                return Err(ArrayError::unexpected(path, expected, found));
            }
        };
        let mut bytes = Vec::new();
        reader.take(wanted).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 != wanted {
            return Err(ArrayError::unexpected(path, format!("{wanted} bytes of data"), format!("{}", bytes.len())));
        }
        let foreign = if cfg!(target_endian = "little") { Endianness::Big } else { Endianness::Little };
        Ok(Self {
            path: path.to_owned(),
            shape,
            is_fortran: header.order() == Order::Fortran,
            size,
            is_signed: kind.type_char() == TypeChar::Int,
            is_swapped: kind.endianness() == foreign && size > 1,
            bytes,
        })
    }

    fn rows_of(&self, columns: usize) -> Result<usize, ArrayError> {
        let rows = match (self.shape.as_slice(), columns) {
            ([rows], 1) => Some(*rows),
            ([rows, found], _) if *found == columns as u64 => Some(*rows),
            _ => None,
        };
        rows.and_then(|rows| usize::try_from(rows).ok()).ok_or_else(|| {
            let expected = if columns == 1 { "a flat array".to_owned() } else { format!("rows of {columns} columns") };
            ArrayError::unexpected(&self.path, expected, format!("shape {:?}", self.shape))
        })
    }

    /// Where the cell with a row-major index lies.
    fn place(&self, index: usize, rows: usize, columns: usize) -> usize {
        if self.is_fortran { index % columns * rows + index / columns } else { index }
    }

    fn native<const N: usize>(&self, index: usize) -> [u8; N] {
        let mut cell = [0; N];
        cell.copy_from_slice(&self.bytes[index * N..(index + 1) * N]);
        if self.is_swapped {
            cell.reverse();
        }
        cell
    }
}

/// Magic, version, length and dictionary, with a bound on what a header may claim to be long.
fn header_bytes(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    const LONGEST_HEADER: usize = 1 << 16;
    let wrong = |text: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
    let mut bytes = vec![0; 10];
    reader.read_exact(&mut bytes)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(wrong("the magic bytes are missing"));
    }
    let mut length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    if bytes[6] > 1 {
        let mut more = [0; 2];
        reader.read_exact(&mut more)?;
        bytes.extend(more);
        length |= usize::from(u16::from_le_bytes(more)) << 16;
    }
    if length > LONGEST_HEADER {
        return Err(wrong("the header is longer than 64 KiB"));
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    reader.read_exact(&mut bytes[start..])?;
    Ok(bytes)
}

/// Whether the product of the declared sides is one a file could hold: the header's reader multiplies them unchecked.
fn has_sane_shape(header: &[u8]) -> bool {
    const MOST_CELLS: u64 = 1 << 40;
    let text = String::from_utf8_lossy(header);
    let Some((_, shape)) = text.split_once("'shape'").and_then(|(_, rest)| rest.split_once('(')) else { return true };
    let Some((sides, _)) = shape.split_once(')') else { return true };
    sides
        .split(',')
        .map(|side| side.trim().trim_end_matches('L'))
        .filter(|side| !side.is_empty())
        .try_fold(1_u64, |cells, side| cells.checked_mul(side.parse::<u64>().ok()?.max(1)))
        .is_some_and(|cells| cells <= MOST_CELLS)
}

fn element_size(kind: &TypeStr) -> Option<usize> {
    kind.num_bytes()
}

fn is_usual(kind: &TypeStr, size: usize) -> bool {
    match kind.type_char() {
        TypeChar::Float => matches!(size, 4 | 8),
        TypeChar::Int | TypeChar::Uint => matches!(size, 1 | 2 | 4 | 8),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        while (10 + text.len() + 1) % 64 != 0 {
            text.push(' ');
        }
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn floats(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn both_orders_give_the_same_rows() {
        let (_keep, by_row) = npy("<f8", "False", "(2, 3)", &floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let (_keep2, by_column) = npy("<f8", "True", "(2, 3)", &floats(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        for path in [by_row, by_column] {
            let table = read_floats(&path, 3).unwrap();
            assert_eq!((table.row(0), table.row(1)), (&[1.0, 2.0, 3.0][..], &[4.0, 5.0, 6.0][..]));
        }
    }

    #[test]
    fn any_integer_width_and_byte_order() {
        let (_keep, path) = npy(">i4", "False", "(2,)", &[0, 0, 1, 0, 0xFF, 0xFF, 0xFF, 0xFE]);
        assert_eq!(read_integers(&path).unwrap(), [256, -2]);
        let (_keep, path) = npy("|u1", "False", "(2,)", &[129, 0]);
        assert_eq!(read_integers(&path).unwrap(), [129, 0]);
    }

    #[test]
    fn strings_lose_their_padding() {
        let (_keep, path) = npy("|S8", "False", "(2,)", b"ab\0\0\0\0\0\0\0\0c\0\0\0\0\0");
        assert_eq!(read_strings(&path, 8).unwrap(), [b"ab".to_vec(), b"\0\0c".to_vec()]);
    }

    #[test]
    fn wrong_arrays_say_what_was_expected() {
        let check = |(folder, path): (tempfile::TempDir, PathBuf), columns: usize, part: &str| {
            let error = read_floats(&path, columns).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("value"), "{error}");
            drop(folder);
        };
        check(npy("<f8", "False", "(2, 3)", &floats(&[1.0; 6])), 7, "rows of 7 columns");
        check(npy("<i8", "False", "(1,)", &[0; 8]), 1, "expected floats");
        check(npy("<f8", "False", "(9,)", &floats(&[1.0; 6])), 1, "cut short");
        check(npy("<f8", "False", "(4611686018427387904, 8)", &[]), 8, "impossible shape");
        check(npy("<f8", "False", "(1000000000, 8)", &[]), 8, "cut short");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, b"hello").unwrap();
        check((folder, path), 1, "a NumPy array");
        let (_keep, path) = npy("<f8", "False", "(3,)", &floats(&[1.0, 3.0, 2.0]));
        assert!(read_times(&path).unwrap_err().to_string().contains("2 in row 2 after 3"));
        let (_keep, path) = npy("<f8", "False", "(1,)", &floats(&[f64::NAN]));
        assert!(read_times(&path).unwrap_err().to_string().contains("NaN in row 0"));
        assert!(matches!(read_times(&path.join("no")), Err(ArrayError::Read { .. } | ArrayError::Missing(_))));
    }
}
