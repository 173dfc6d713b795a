//! Recorded drives: messages of a recording in time order, each with the moment it is due at a speed factor.
//!
//! Nothing here waits: the caller owns the clock and sleeps until a message is due, or does not.

use std::io::{Read, Seek};

use cloverleaf_clip::{ClipError, Messages, RecordedMessage, RecordingReader, Selection};
use cloverleaf_vocabulary::{BootTime, TimeDelta};

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// As fast as the receiver takes messages.
    Max,
    /// Times real time; above 0.
    Times(f64),
}

/// Why a text is not a speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("speed {0:?}: expected `max` or a number above 0, for example 1 or 2.5")]
pub struct SpeedError(String);

impl std::str::FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::Times(factor)),
            _ => Err(SpeedError(text.to_owned())),
        }
    }
}

/// A message and when to hand it on, counted from the start of playing.
#[derive(Debug, Clone)]
pub struct Due {
    /// Time after the start of playing; zero throughout at [`Speed::Max`].
    pub after: TimeDelta,
    /// The message.
    pub message: RecordedMessage,
}

/// Iterator over a recording; ends after the first error.
pub struct Recorded<'a, R> {
    messages: Messages<'a, R>,
    speed: Speed,
    start: BootTime,
}

impl<'a, R: Read + Seek> Recorded<'a, R> {
    /// Plays a selection of a recording from its beginning.
    pub fn new(reader: &'a mut RecordingReader<R>, selection: &Selection, speed: Speed) -> Self {
        let first = reader.span().map_or(BootTime::default(), |(first, _)| first);
        let start = selection.from.map_or(first, |from| from.max(first));
        Self { messages: reader.messages(selection), speed, start }
    }

    /// The messages' source, for topics and decoding.
    pub fn source(&self) -> &Messages<'a, R> {
        &self.messages
    }
}

impl<R: Read + Seek> Iterator for Recorded<'_, R> {
    type Item = Result<Due, ClipError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.messages.next()?.map(|message| {
            let after = match self.speed {
                Speed::Max => TimeDelta::ZERO,
                Speed::Times(factor) => {
                    TimeDelta::from_secs_f64(message.time.saturating_since(self.start).as_secs_f64() / factor)
                }
            };
            Due { after, message }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_max_or_positive() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
        for bad in ["0", "-1", "nan", "inf", "fast", ""] {
            let error = bad.parse::<Speed>().unwrap_err();
            assert!(error.to_string().contains("max"), "{error}");
        }
    }
}
