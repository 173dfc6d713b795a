//! DBC files, compiled for decoding and encoding.
//!
//! The syntax is read by the `can-dbc` crate; bit layout, scaling, multiplexing (simple and extended) and IEEE floats
//! follow Vector's "DBC File Format Documentation" 1.01.

use std::collections::HashMap;

use can_dbc::{ByteOrder, MessageId, MultiplexIndicator, SignalExtendedValueType, ValueType};

use crate::can::{CanFrame, CanId};

/// A DBC that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: not a valid DBC: {reason}")]
pub struct DbcError {
    /// The file's name.
    pub file: String,
    /// Line from 1; 0 when the place is unknown.
    pub line: usize,
    /// Column from 1; 0 when the place is unknown.
    pub column: usize,
    /// What was expected and found.
    pub reason: String,
}

/// All messages of one DBC file.
#[derive(Debug, Clone)]
pub struct Database {
    /// The file's name.
    pub name: String,
    /// Parts that were left out, each with its reason: the rest is usable.
    pub warnings: Vec<String>,
    messages: Vec<Message>,
    by_id: HashMap<CanId, usize>,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Name.
    pub name: String,
    /// Identifier.
    pub id: CanId,
    /// Payload length, bytes.
    pub size: usize,
    /// Signals in the file's order; multiplexors come before what they select when decoding.
    pub signals: Vec<Signal>,
}

/// One signal.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Name.
    pub name: String,
    /// Unit, free text.
    pub unit: String,
    /// Physical = raw * factor + offset.
    pub factor: f64,
    /// Physical = raw * factor + offset.
    pub offset: f64,
    /// Raw value to text.
    pub values: Vec<(i64, String)>,
    layout: Layout,
    selector: Option<Selector>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Unsigned,
    Signed,
    Float32,
    Float64,
}

/// Where the bits are: `width` bits whose lowest sits `shift` above the end of a window of `bytes` bytes.
#[derive(Debug, Clone, Copy)]
struct Layout {
    first_byte: usize,
    bytes: usize,
    shift: u32,
    width: u32,
    big_endian: bool,
    number: Number,
}

/// Present only when the multiplexor `signal` (index in the message) has a raw value in one of `ranges`.
#[derive(Debug, Clone)]
struct Selector {
    signal: usize,
    ranges: Vec<(u64, u64)>,
}

impl Database {
    /// Reads a DBC. Bytes that are not UTF-8 are taken as ISO 8859-1, as most tools write them.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, DbcError> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        };
        let parsed = can_dbc::Dbc::try_from(text.as_str()).map_err(|error| locate(file, &error))?;
        Ok(compile(file, &parsed))
    }

    /// Messages in the file's order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The message of an identifier.
    pub fn message(&self, id: CanId) -> Option<&Message> {
        self.by_id.get(&id).map(|&index| &self.messages[index])
    }
}

impl Message {
    /// The signal of a name.
    pub fn signal(&self, name: &str) -> Option<&Signal> {
        self.signals.iter().find(|signal| signal.name == name)
    }

    /// Physical values of all signals present in a frame: those within its length and selected by their multiplexor.
    pub fn decode<'a>(&'a self, frame: &'a CanFrame) -> impl Iterator<Item = (&'a Signal, f64)> + 'a {
        self.signals.iter().filter_map(move |signal| self.value(signal, frame).map(|value| (signal, value)))
    }

    /// Physical value of one of this message's signals in a frame.
    pub fn value(&self, signal: &Signal, frame: &CanFrame) -> Option<f64> {
        if let Some(selector) = &signal.selector
            && !self.is_selected(selector, frame, self.signals.len())
        {
            return None;
        }
        signal.physical(frame)
    }

    /// `budget` bounds a chain of nested multiplexors, so that a cyclic file ends.
    fn is_selected(&self, selector: &Selector, frame: &CanFrame, budget: usize) -> bool {
        let multiplexor = &self.signals[selector.signal];
        let Some(raw) = multiplexor.layout.extract(frame) else { return false };
        let chosen = selector.ranges.iter().any(|&(low, high)| (low..=high).contains(&raw));
        chosen
            && match (&multiplexor.selector, budget) {
                (None, _) => true,
                (Some(_), 0) => false,
                (Some(outer), _) => self.is_selected(outer, frame, budget - 1),
            }
    }
}

impl Signal {
    /// Bytes a payload must have for this signal to be present.
    pub fn needed_bytes(&self) -> usize {
        self.layout.first_byte + self.layout.bytes
    }

    /// Physical value, whatever a multiplexor says; `None` when the payload is too short.
    pub fn physical(&self, frame: &CanFrame) -> Option<f64> {
        let raw = self.layout.extract(frame)?;
        let number = match self.layout.number {
            Number::Unsigned => raw as f64,
            Number::Signed => {
                let unused = 64 - self.layout.width;
                ((raw << unused) as i64 >> unused) as f64
            }
            Number::Float32 => f64::from(f32::from_bits(raw as u32)),
            Number::Float64 => f64::from_bits(raw),
        };
        Some(number * self.factor + self.offset)
    }

    /// Writes a physical value into a payload, rounded to the nearest step and clamped to what the bits can hold.
    /// Does nothing when the payload is too short or the value is not a number.
    pub fn insert(&self, payload: &mut [u8], physical: f64) {
        let number = (physical - self.offset) / self.factor;
        if number.is_nan() {
            return;
        }
        let width = self.layout.width;
        let raw = match self.layout.number {
            Number::Unsigned => (number.round().max(0.0) as u64).min(mask(width)),
            Number::Signed => {
                let limit = (mask(width) >> 1) as i64;
                (number.round() as i64).clamp(-limit - 1, limit) as u64 & mask(width)
            }
            Number::Float32 => u64::from((number as f32).to_bits()),
            Number::Float64 => number.to_bits(),
        };
        self.layout.insert(payload, raw);
    }

    /// The text a value table gives to a physical value.
    pub fn label(&self, physical: f64) -> Option<&str> {
        let raw = ((physical - self.offset) / self.factor).round() as i64;
        self.values.iter().find(|(value, _)| *value == raw).map(|(_, text)| text.as_str())
    }
}

fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

impl Layout {
    /// `start_bit` in DBC numbering: the lowest bit for little-endian, the highest for big-endian ("sawtooth").
    fn new(start_bit: usize, width: usize, big_endian: bool, number: Number) -> Self {
        let (first_byte, bytes, shift) = if big_endian {
            let used_above = 7 - start_bit % 8;
            let bytes = (used_above + width).div_ceil(8);
            (start_bit / 8, bytes, bytes * 8 - used_above - width)
        } else {
            (start_bit / 8, (start_bit % 8 + width).div_ceil(8), start_bit % 8)
        };
        Self { first_byte, bytes, shift: shift as u32, width: width as u32, big_endian, number }
    }

    fn extract(&self, frame: &CanFrame) -> Option<u64> {
        if self.first_byte + self.bytes > frame.data().len() {
            return None;
        }
        let window = &frame.padded()[self.first_byte..self.first_byte + self.bytes];
        // Nine bytes at most: 64 bits that do not start on a byte boundary.
        let mut wide: u128 = 0;
        if self.big_endian {
            for &byte in window {
                wide = wide << 8 | u128::from(byte);
            }
        } else {
            for &byte in window.iter().rev() {
                wide = wide << 8 | u128::from(byte);
            }
        }
        Some((wide >> self.shift) as u64 & mask(self.width))
    }

    fn insert(&self, payload: &mut [u8], raw: u64) {
        let Some(window) = payload.get_mut(self.first_byte..self.first_byte + self.bytes) else { return };
        let mut bits = u128::from(raw) << self.shift;
        let mut keep = !(u128::from(mask(self.width)) << self.shift);
        let mut place = |byte: &mut u8| {
            *byte = *byte & keep as u8 | bits as u8;
            bits >>= 8;
            keep >>= 8;
        };
        if self.big_endian {
            window.iter_mut().rev().for_each(&mut place);
        } else {
            window.iter_mut().for_each(&mut place);
        }
    }
}

fn locate(file: &str, error: &can_dbc::DbcError) -> DbcError {
    let (line, column, reason) = match error {
        can_dbc::DbcError::Pest(pest) => {
            let (line, column) = match pest.line_col {
                pest::error::LineColLocation::Pos(at) => at,
                pest::error::LineColLocation::Span(at, _) => at,
            };
            let found = pest.line().trim();
            (line, column, format!("{}, found {:?}", pest.variant.message(), truncated(found)))
        }
        other => (0, 0, other.to_string()),
    };
    DbcError { file: file.to_owned(), line, column, reason }
}

fn truncated(text: &str) -> String {
    text.chars().take(80).collect()
}

fn compile(file: &str, parsed: &can_dbc::Dbc) -> Database {
    let mut database =
        Database { name: file.to_owned(), warnings: Vec::new(), messages: Vec::new(), by_id: HashMap::new() };
    for source in &parsed.messages {
        // Vector's tools collect orphaned signals under this pseudo message.
        if source.name == "VECTOR__INDEPENDENT_SIG_MSG" {
            continue;
        }
        let (bits, extended) = match source.id {
            MessageId::Standard(bits) => (u32::from(bits), false),
            MessageId::Extended(bits) => (bits, true),
        };
        let id = match CanId::new(bits, extended) {
            Ok(id) => id,
            Err(error) => {
                database.warnings.push(format!("message {}: {error}; left out", source.name));
                continue;
            }
        };
        let message = compile_message(parsed, source, id, &mut database.warnings);
        if let Some(&earlier) = database.by_id.get(&id) {
            let earlier = &database.messages[earlier].name;
            database.warnings.push(format!("message {}: {id} is already {earlier}; left out", message.name));
            continue;
        }
        database.by_id.insert(id, database.messages.len());
        database.messages.push(message);
    }
    database
}

fn compile_message(parsed: &can_dbc::Dbc, source: &can_dbc::Message, id: CanId, warnings: &mut Vec<String>) -> Message {
    let size = source.size.min(64) as usize;
    let mut message = Message { name: source.name.clone(), id, size, signals: Vec::new() };
    let mut kept = Vec::new();
    for signal in &source.signals {
        let mut reject = |reason: String| {
            warnings.push(format!("message {} signal {}: {reason}; left out", source.name, signal.name));
        };
        if !(1..=64).contains(&signal.size) || signal.start_bit > 511 {
            reject(format!(
                "{} bits from bit {}: expected 1 to 64 bits within 64 bytes",
                signal.size, signal.start_bit
            ));
            continue;
        }
        if !(signal.factor.is_finite() && signal.offset.is_finite() && signal.factor != 0.0) {
            reject(format!("scale ({}, {}) is not finite or zero", signal.factor, signal.offset));
            continue;
        }
        let number = number_format(parsed, source.id, signal);
        let expected_width = match number {
            Number::Float32 => 32,
            Number::Float64 => 64,
            Number::Unsigned | Number::Signed => signal.size,
        };
        if expected_width != signal.size {
            reject(format!("an IEEE float of {} bits: expected {expected_width}", signal.size));
            continue;
        }
        let big_endian = signal.byte_order == ByteOrder::BigEndian;
        let layout = Layout::new(signal.start_bit as usize, signal.size as usize, big_endian, number);
        if layout.first_byte + layout.bytes > size.max(1) {
            let needed = layout.first_byte + layout.bytes;
            reject(format!("needs {needed} bytes of a message of {size}"));
            continue;
        }
        kept.push(signal);
        message.signals.push(Signal {
            name: signal.name.clone(),
            unit: signal.unit.clone(),
            factor: signal.factor,
            offset: signal.offset,
            values: value_table(parsed, source.id, &signal.name),
            layout,
            selector: None,
        });
    }
    let main_multiplexor =
        kept.iter().position(|signal| signal.multiplexer_indicator == MultiplexIndicator::Multiplexor);
    for (index, signal) in kept.iter().enumerate() {
        message.signals[index].selector = selector(parsed, source.id, signal, &message.signals, main_multiplexor);
    }
    message
}

fn selector(
    parsed: &can_dbc::Dbc,
    id: MessageId,
    signal: &can_dbc::Signal,
    signals: &[Signal],
    main_multiplexor: Option<usize>,
) -> Option<Selector> {
    let (MultiplexIndicator::MultiplexedSignal(value) | MultiplexIndicator::MultiplexorAndMultiplexedSignal(value)) =
        signal.multiplexer_indicator
    else {
        return None;
    };
    let extended = parsed
        .extended_multiplex
        .iter()
        .find(|entry| entry.message_id == id && entry.signal_name == signal.name)
        .and_then(|entry| {
            let multiplexor = signals.iter().position(|other| other.name == entry.multiplexor_signal_name)?;
            let ranges = entry.mappings.iter().map(|range| (range.min_value, range.max_value)).collect();
            Some(Selector { signal: multiplexor, ranges })
        });
    extended.or_else(|| main_multiplexor.map(|signal| Selector { signal, ranges: vec![(value, value)] }))
}

fn number_format(parsed: &can_dbc::Dbc, id: MessageId, signal: &can_dbc::Signal) -> Number {
    let extended = parsed
        .signal_extended_value_type_list
        .iter()
        .find(|entry| entry.message_id == id && entry.signal_name == signal.name)
        .map(|entry| entry.signal_extended_value_type);
    match (extended, signal.value_type) {
        (Some(SignalExtendedValueType::IEEEfloat32Bit), _) => Number::Float32,
        (Some(SignalExtendedValueType::IEEEdouble64bit), _) => Number::Float64,
        (_, ValueType::Signed) => Number::Signed,
        (_, ValueType::Unsigned) => Number::Unsigned,
    }
}

fn value_table(parsed: &can_dbc::Dbc, id: MessageId, name: &str) -> Vec<(i64, String)> {
    parsed
        .value_descriptions
        .iter()
        .find_map(|entry| match entry {
            can_dbc::ValueDescription::Signal { message_id, name: signal, value_descriptions }
                if *message_id == id && signal == name =>
            {
                Some(value_descriptions.iter().map(|value| (value.id, value.description.clone())).collect())
            }
            _ => None,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_message(signals: &str) -> Message {
        let text = format!("BO_ 256 M: 8 XXX\n{signals}\n");
        let database = Database::parse("test.dbc", text.as_bytes()).unwrap();
        assert!(database.warnings.is_empty(), "{:?}", database.warnings);
        database.messages()[0].clone()
    }

    fn frame(data: &[u8]) -> CanFrame {
        CanFrame::new(0, CanId::Standard(256), data).unwrap()
    }

    #[test]
    fn layouts_match_hand_computed_values() {
        // (definition, payload, physical)
        let cases: [(&str, &[u8], f64); 6] = [
            (" SG_ A : 0|16@1+ (1,0) [0|0] \"\" X", &[0x34, 0x12], f64::from(0x1234)),
            (" SG_ A : 7|16@0+ (1,0) [0|0] \"\" X", &[0x12, 0x34], f64::from(0x1234)),
            (" SG_ A : 3|12@0- (1,0) [0|0] \"\" X", &[0x08, 0x00], -2048.0),
            (" SG_ A : 4|8@1- (0.5,1) [0|0] \"\" X", &[0xF0, 0x0F], 0.5),
            (" SG_ A : 5|2@1+ (1,0) [0|0] \"\" X", &[0b0110_0000], 3.0),
            (" SG_ A : 2|64@1+ (1,0) [0|0] \"\" X", &[4, 0, 0, 0, 0, 0, 0, 0, 0], 1.0),
        ];
        for (definition, data, expected) in cases {
            let text = format!("BO_ 256 M: 9 XXX\n{definition}\n");
            let database = Database::parse("test.dbc", text.as_bytes()).unwrap();
            let message = &database.messages()[0];
            assert_eq!(message.signals[0].physical(&frame(data)), Some(expected), "{definition}");
        }
    }

    #[test]
    fn a_short_frame_lacks_only_what_it_cuts() {
        let message = one_message(" SG_ A : 0|8@1+ (1,0) [0|0] \"\" X\n SG_ B : 8|8@1+ (1,0) [0|0] \"\" X");
        let short = frame(&[7]);
        let decoded: Vec<_> = message.decode(&short).map(|(signal, value)| (signal.name.as_str(), value)).collect();
        assert_eq!(decoded, [("A", 7.0)]);
    }

    #[test]
    fn multiplexed_signals_appear_only_when_selected() {
        let message = one_message(
            " SG_ MUX M : 0|8@1+ (1,0) [0|0] \"\" X\n SG_ A m0 : 8|8@1+ (1,0) [0|0] \"\" X\n SG_ B m1 : 8|8@1+ (1,0) [0|0] \"\" X",
        );
        for (selected, name) in [(0, "A"), (1, "B")] {
            let frame = frame(&[selected, 9]);
            let names: Vec<_> = message.decode(&frame).map(|(signal, _)| signal.name.as_str()).collect();
            assert_eq!(names, ["MUX", name]);
        }
    }

    #[test]
    fn extended_multiplexing_follows_its_ranges() {
        let text = "BO_ 256 M: 8 XXX
 SG_ S0 M : 0|8@1+ (1,0) [0|0] \"\" X
 SG_ S1 m3M : 8|8@1+ (1,0) [0|0] \"\" X
 SG_ DEEP m0 : 16|8@1+ (1,0) [0|0] \"\" X

SG_MUL_VAL_ 256 S1 S0 3-5;
SG_MUL_VAL_ 256 DEEP S1 2-2, 7-9;
";
        let database = Database::parse("mux.dbc", text.as_bytes()).unwrap();
        let message = &database.messages()[0];
        let deep = |data: &[u8]| message.value(message.signal("DEEP").unwrap(), &frame(data));
        assert_eq!(deep(&[4, 8, 42]), Some(42.0));
        assert_eq!(deep(&[4, 3, 42]), None);
        assert_eq!(deep(&[6, 8, 42]), None);
    }

    #[test]
    fn floats_and_labels() {
        let text = "BO_ 256 M: 8 XXX
 SG_ F : 0|32@1- (1,0) [0|0] \"\" X
 SG_ G : 32|3@1+ (1,0) [0|0] \"\" X

VAL_ 256 G 0 \"park\" 1 \"drive\" ;
SIG_VALTYPE_ 256 F : 1;
";
        let database = Database::parse("f.dbc", text.as_bytes()).unwrap();
        let message = &database.messages()[0];
        let mut data = [0; 8];
        message.signals[0].insert(&mut data, -2.5);
        assert_eq!(message.signals[0].physical(&frame(&data)), Some(-2.5));
        assert_eq!(message.signals[1].label(1.0), Some("drive"));
    }

    #[test]
    fn an_error_names_file_line_and_what_was_found() {
        let text = "VERSION \"\"\n\nBO_ 256 M: 8 XXX\n SG_ A : 0|8@1+ (1;0) [0|0] \"\" X\n";
        let error = Database::parse("bad.dbc", text.as_bytes()).unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("bad.dbc", 4), "{error}");
        assert!(error.to_string().contains("(1;0)"), "{error}");
    }

    #[test]
    fn flaws_are_warned_about_and_the_rest_kept() {
        let text = "BO_ 256 M: 2 XXX\n SG_ WIDE : 0|32@1+ (1,0) [0|0] \"\" X\n SG_ OK : 0|8@1+ (1,0) [0|0] \"\" X\n\nBO_ 256 TWICE: 2 XXX\n";
        let database = Database::parse("m.dbc", text.as_bytes()).unwrap();
        assert_eq!(database.warnings.len(), 2, "{:?}", database.warnings);
        assert_eq!(database.messages()[0].signals.len(), 1);
    }

    proptest! {
        #[test]
        fn what_was_inserted_comes_out(start in 0usize..64, width in 1usize..=32, big in any::<bool>(), signed in any::<bool>(), raw in any::<u32>(), noise in any::<[u8; 8]>()) {
            let number = if signed { Number::Signed } else { Number::Unsigned };
            let layout = Layout::new(start, width, big, number);
            prop_assume!(layout.first_byte + layout.bytes <= 8);
            let signal = Signal { name: String::new(), unit: String::new(), factor: 0.25, offset: -3.0, values: vec![], layout, selector: None };
            let raw = u64::from(raw) & mask(width as u32);
            let number = if signed { ((raw << (64 - width)) as i64 >> (64 - width)) as f64 } else { raw as f64 };
            let physical = number * 0.25 - 3.0;
            let mut data = noise;
            signal.insert(&mut data, physical);
            prop_assert_eq!(signal.physical(&frame(&data)), Some(physical));
            // Bits of other signals are untouched: writing the old raw value back restores every byte.
            let before = layout.extract(&frame(&noise)).unwrap();
            layout.insert(&mut data, before);
            prop_assert_eq!(data, noise);
        }

        #[test]
        fn any_text_gives_a_result(text in "\\PC{0,200}") {
            if let Err(error) = Database::parse("any.dbc", text.as_bytes()) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
