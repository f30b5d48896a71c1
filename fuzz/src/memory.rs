//! Memory as a C program hands it out: strings and inputs that end where their allocation ends, and
//! outputs that show whatever is written where nothing should be.

use std::cell::Cell;
use std::ffi::c_char;
use std::ptr;
use std::rc::Rc;

use crate::abi::{BUFFER_TOO_SMALL, OK, Status};
use crate::script::{Input, Output, Room};

/// What lies before an output, and behind one that does not end with its allocation.
const MARGIN: usize = 32;
const CANARY: u8 = 0x5c;
const UNTOUCHED: u8 = 0xa5;
const NO_LEN: usize = 0x5c5c_5c5c;

/// A NUL-terminated string, or NULL.
#[derive(Clone, Debug)]
pub struct Text(Option<Box<[u8]>>);

impl Text {
    /// NULL.
    pub const NULL: Self = Self(None);

    /// These bytes up to the first NUL.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let text = bytes.as_ref().split(|byte| *byte == 0).next().unwrap_or_default();
        Self(Some([text, &[0]].concat().into_boxed_slice()))
    }

    /// Whether this is a part of it.
    pub fn contains(&self, part: &str) -> bool {
        let text = self.0.as_deref().unwrap_or_default();
        text.windows(part.len()).any(|window| window == part.as_bytes())
    }

    /// As the functions take it.
    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ref().map_or(ptr::null(), |text| text.as_ptr().cast())
    }
}

/// Bytes that can be written through a pointer, and what they were.
struct Block {
    now: Box<[Cell<u8>]>,
    before: Vec<u8>,
}

impl Block {
    fn new(before: Vec<u8>) -> Rc<Self> {
        let now = before.iter().copied().map(Cell::new).collect();
        Rc::new(Self { now, before })
    }
}

/// A part of a block that is handed to a function.
pub struct Buffer {
    block: Rc<Block>,
    at: usize,
    /// What the function is told of its size.
    pub capacity: usize,
    needed: usize,
    is_null: bool,
    /// Whether it shares bytes with another one.
    pub overlaps: bool,
    len: Cell<usize>,
    has_len: bool,
}

impl Buffer {
    /// Bytes to read, with so much room behind them.
    pub fn input(input: &[u8], room: usize) -> Self {
        let room = if room == 0 { 0 } else { room + MARGIN };
        Self::over(Block::new([input, &vec![CANARY; room]].concat()), 0, input.len())
    }

    /// What a script says is to be read.
    pub fn from_script(input: &Input, room: usize) -> Self {
        match input {
            Input::Bytes(bytes) => Self::input(bytes, room),
            Input::Run(byte, count) => Self::input(&vec![*byte; usize::from(*count % 8192)], room),
            Input::Null(count) => {
                let null = Self::over(Block::new(Vec::new()), 0, usize::from(*count));
                Self { is_null: true, ..null }
            }
        }
    }

    /// A buffer to write, of which `needed` bytes suffice. `beside` is the one that it overlaps if
    /// it shall, which must have been made with room for it.
    pub fn output(output: &Output, needed: usize, beside: Option<&Self>, room: usize) -> Self {
        let shared = beside.filter(|beside| beside.used() > 0);
        let (capacity, is_null) = match output.room {
            Room::Exact => (needed, false),
            Room::More(more) => (needed + usize::from(more), false),
            Room::Less(less) => (needed.saturating_sub(usize::from(less) + 1), false),
            Room::Nothing => (0, false),
            Room::Null(capacity) => (usize::from(capacity), true),
            Room::Overlapping(from) if let Some(shared) = shared => {
                let at = shared.at + usize::from(from) % shared.used();
                let mut buffer = Self::over(Rc::clone(&shared.block), at, needed);
                buffer.overlaps = needed > 0;
                buffer.has_len = output.len.0;
                return Self { needed, ..buffer };
            }
            Room::Overlapping(_) => (needed, false),
        };
        let behind = match (output.at_end, room) {
            (true, 0) => 0,
            _ => MARGIN + room,
        };
        let parts = [vec![CANARY; MARGIN], vec![UNTOUCHED; capacity], vec![CANARY; behind]];
        let buffer = Self::over(Block::new(parts.concat()), MARGIN, capacity);
        Self { needed, is_null, has_len: output.len.0, ..buffer }
    }

    /// A plain output of this size.
    pub fn plain(needed: usize) -> Self {
        let buffer = Self::over(Block::new(vec![UNTOUCHED; needed]), 0, needed);
        Self { needed, has_len: true, ..buffer }
    }

    fn over(block: Rc<Block>, at: usize, capacity: usize) -> Self {
        let (len, needed) = (Cell::new(NO_LEN), capacity);
        Self { block, at, capacity, needed, is_null: false, overlaps: false, len, has_len: false }
    }

    /// How much of it is read or written at most: what is spare may be another buffer's.
    fn used(&self) -> usize {
        if self.is_null { 0 } else { self.capacity.min(self.needed) }
    }

    /// As the functions take it.
    pub fn as_ptr(&self) -> *mut u8 {
        match self.block.now.get(self.at..) {
            Some(part) if !self.is_null => part.as_ptr().cast::<u8>().cast_mut(),
            _ => ptr::null_mut(),
        }
    }

    /// Where its length goes.
    pub fn len_ptr(&self) -> *mut usize {
        if self.has_len { self.len.as_ptr() } else { ptr::null_mut() }
    }

    /// Whether nothing is wrong with it, so that a call has no reason to refuse it.
    pub fn is_proper(&self) -> bool {
        let is_short = self.needed > 0 && (self.is_null || self.capacity < self.needed);
        self.has_len && !self.overlaps && !is_short
    }

    /// What it holds: an input's bytes, or what has been written.
    pub fn bytes(&self) -> Vec<u8> {
        let len = if self.len.get() == NO_LEN { self.capacity } else { self.len.get() };
        if self.is_null {
            return Vec::new();
        }
        self.block.now[self.at..self.at + len].iter().map(Cell::get).collect()
    }

    /// Where a function may have written.
    fn writable(&self, is_ok: bool) -> std::ops::Range<usize> {
        match (is_ok, self.overlaps) {
            (true, _) => self.at..self.at + self.len.get(),
            (false, false) => self.at..self.at + self.capacity,
            (false, true) => 0..0,
        }
    }
}

/// Holds the outputs of a call against the contract. `is_exact` if a success fills them; otherwise there
/// may be zeros behind what it writes.
pub fn check(outputs: &[&Buffer], status: Status, is_exact: bool) {
    let is_ok = status == OK;
    for output in outputs {
        let (len, needed) = (output.len.get(), output.needed);
        match status {
            OK => {
                assert!(output.is_proper(), "success without room, or into the input");
                assert!(len == needed || !is_exact && len <= needed, "{len} of {needed} bytes");
            }
            BUFFER_TOO_SMALL => assert_eq!(len, needed, "the size that suffices"),
            _ => assert_eq!(len, NO_LEN, "a failure wrote a length"),
        }
        for (at, (now, before)) in output.block.now.iter().zip(&output.block.before).enumerate() {
            let is_fine = now.get() == *before
                || outputs.iter().any(|other| {
                    Rc::ptr_eq(&other.block, &output.block)
                        && (is_ok && other.writable(true).contains(&at)
                            || (!is_ok || !is_exact)
                                && other.writable(false).contains(&at)
                                && now.get() == 0)
                });
            assert!(is_fine, "status {status}: byte {at} was {before} and is {}", now.get());
        }
    }
    if status == BUFFER_TOO_SMALL {
        let is_short = |output: &&Buffer| output.is_null || output.capacity < output.needed;
        assert!(outputs.iter().any(is_short), "there was room");
    }
}
