//! Text of answers, read in place: one pass checks it and notes where its values stand; nothing is copied or rounded.
//!
//! serde_json reads what people write and we keep; answers are read here, since each byte of a page that is looked at
//! twice is felt in a run that no quota holds back. `benches/README.md` has the comparison with other readers.
//!
//! Invariants: what is taken for JSON is JSON (RFC 8259), the whole of it, as serde_json also sees it; numbers stay text;
//! keys that stand twice can be found. Entry points: [`Document`] (a whole body, as deep as one needs to look) and
//! [`Elements`] (the members of a list, one after the other; an [`Outline`] that the first made serves the second).

mod block;
mod document;
mod elements;
mod outline;
mod scan;
mod shape;
mod span;
mod tape;
mod text;
mod value;

pub use block::{Block, Room};
pub use document::Document;
pub use elements::Elements;
pub use outline::Outline;
pub use scan::Malformed;
pub use tape::{Kind, Tape};
pub use value::{Flaw, Value};
