//! What a vehicle says, and what it means: CAN frames, DBC decoding, VSS signal names, sensor messages.
//!
//! Read first: [`can::CanFrame`] (raw bytes), [`dbc::Database`] (their description) and [`decoder::Decoder`], which
//! turns frames into values of the [`vss::Catalogue`] as a [`profile::VehicleProfile`] maps them. [`messages`] holds
//! what recordings carry.
//!
//! ```
//! use cloverleaf_signals::can::{CanFrame, CanId};
//! use cloverleaf_signals::dbc::Database;
//!
//! let text = "BO_ 180 SPEED: 8 XXX\n SG_ SPEED : 47|16@0+ (0.01,0) [0|250] \"km/h\" XXX\n";
//! let database = Database::parse("speed.dbc", text.as_bytes())?;
//! let message = database.message(CanId::Standard(180)).ok_or("no such message")?;
//! let frame = CanFrame::new(0, message.id, &[0, 0, 0, 0, 0, 0x27, 0x10, 0])?;
//! assert_eq!(message.decode(&frame).find(|(signal, _)| signal.name == "SPEED").map(|(_, value)| value), Some(100.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: no IO. Signals wider than 64 bits are reported and not decoded. Enumerations are numbers.

pub mod can;
pub mod dbc;
pub mod decoder;
pub mod lead;
pub mod messages;
pub mod profile;
pub mod vss;
