//! One CAN or CAN FD data frame, without a heap.

use std::fmt;

/// A CAN identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CanId {
    /// 11 bits.
    Standard(u16),
    /// 29 bits.
    Extended(u32),
}

impl CanId {
    /// From the bits and the kind; bits outside the kind's range are an error.
    pub fn new(bits: u32, extended: bool) -> Result<Self, CanError> {
        match (extended, u16::try_from(bits)) {
            (false, Ok(id)) if id < 0x800 => Ok(Self::Standard(id)),
            (true, _) if bits < 0x2000_0000 => Ok(Self::Extended(bits)),
            _ => Err(CanError::Id { bits, extended }),
        }
    }

    /// The identifier's bits without flags.
    pub fn bits(self) -> u32 {
        match self {
            Self::Standard(id) => u32::from(id),
            Self::Extended(id) => id,
        }
    }

    /// 29-bit form.
    pub fn is_extended(self) -> bool {
        matches!(self, Self::Extended(_))
    }
}

impl fmt::Display for CanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(id) => write!(f, "0x{id:03X}"),
            Self::Extended(id) => write!(f, "0x{id:08X}x"),
        }
    }
}

/// Why bytes are not a CAN frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanError {
    /// Identifier out of range.
    #[error("CAN identifier {bits:#X} does not fit {} bits", if *.extended { 29 } else { 11 })]
    Id {
        /// The bits found.
        bits: u32,
        /// Whether 29 bits were allowed.
        extended: bool,
    },
    /// Payload too long.
    #[error("CAN payload of {found} bytes: expected at most {limit}")]
    Length {
        /// Bytes found.
        found: usize,
        /// 8 for classic CAN, 64 for CAN FD.
        limit: usize,
    },
    /// Bus number above 255.
    #[error("CAN bus {0}: expected 0 to 255")]
    Bus(u32),
}

/// A data frame. `PartialEq` compares the payload only up to its length.
#[derive(Clone, Copy)]
pub struct CanFrame {
    /// Bus number as the vehicle counts them.
    pub bus: u8,
    /// Identifier.
    pub id: CanId,
    /// CAN FD format.
    pub fd: bool,
    /// Sent by the logging interface itself and echoed back, not received from the vehicle.
    pub echo: bool,
    len: u8,
    payload: [u8; 64],
}

impl CanFrame {
    /// A frame that was received; classic when the payload has at most 8 bytes, else CAN FD.
    pub fn new(bus: u8, id: CanId, data: &[u8]) -> Result<Self, CanError> {
        let mut payload = [0; 64];
        let Some(head) = payload.get_mut(..data.len()) else {
            return Err(CanError::Length { found: data.len(), limit: 64 });
        };
        head.copy_from_slice(data);
        Ok(Self { bus, id, fd: data.len() > 8, echo: false, len: data.len() as u8, payload })
    }

    /// The payload.
    pub fn data(&self) -> &[u8] {
        &self.payload[..usize::from(self.len)]
    }

    /// The payload padded with zeros to 64 bytes, for bit extraction without bounds branches.
    pub(crate) fn padded(&self) -> &[u8; 64] {
        &self.payload
    }
}

impl PartialEq for CanFrame {
    fn eq(&self, other: &Self) -> bool {
        (self.bus, self.id, self.fd, self.echo) == (other.bus, other.id, other.fd, other.echo)
            && self.data() == other.data()
    }
}

impl Eq for CanFrame {}

impl fmt::Debug for CanFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can{} {} [{}]", self.bus, self.id, self.len)?;
        for byte in self.data() {
            write!(f, " {byte:02X}")?;
        }
        if self.echo { f.write_str(" echo") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_refused_with_the_range() {
        assert_eq!(CanId::new(0x7FF, false), Ok(CanId::Standard(0x7FF)));
        assert_eq!(CanId::new(0x800, false).unwrap_err().to_string(), "CAN identifier 0x800 does not fit 11 bits");
        assert!(CanId::new(0x2000_0000, true).is_err());
        let long = CanFrame::new(0, CanId::Standard(1), &[0; 65]).unwrap_err();
        assert_eq!(long.to_string(), "CAN payload of 65 bytes: expected at most 64");
    }

    #[test]
    fn debug_reads_like_candump() {
        let frame = CanFrame::new(1, CanId::Standard(0x123), &[0xDE, 0xAD]).unwrap();
        assert_eq!(format!("{frame:?}"), "can1 0x123 [2] DE AD");
    }
}
