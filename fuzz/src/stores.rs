//! Stores and sessions: opening, ending, and what concerns a store as a whole.

use std::ptr;

use crate::abi::*;
use crate::memory::{Buffer, Text};
use crate::run::expect;
use crate::script::*;
use crate::world::*;

/// The places that are opened. Nothing can be created at any of them.
const PLACES: &[&str] = &[
    "memory:?clock=manual",
    "memory:",
    "",
    "memory:?clock=wall",
    "/proc/kmshsm/store",
    "/dev/null",
    "/proc",
    "/proc/kmshsm",
];

/// Options that there are. Few runs last as long as a keeper waits for its turn.
const OPTIONS: &[&str] = &[
    r#"{"AllowUnprotectedMemory":true}"#,
    "{}",
    r#"{"AllowUnprotectedMemory":true,"KeeperSeconds":1}"#,
    r#"{"AllowUnprotectedMemory":true,"KeeperSeconds":4294967295}"#,
    r#"{"AllowUnprotectedMemory":true,"Quotas":{"Keys":2,"Aliases":1,"Versions":3,"Tags":1}}"#,
    r#"{"Quotas":{"Keys":0}}"#,
    r#"{"Quotas":"none"}"#,
    r#"{"KeeperSeconds":0}"#,
    r#"{"AllowUnprotectedMemory":true,"Audit":"all","StrictAudit":true,"Identity":"EC_SM2"}"#,
    r#"{"AllowUnprotectedMemory":true,"Audit":"denied"}"#,
    "",
];

/// Logins that there are; the first two open sessions in spaces that [`World`] knows.
const LOGINS: &[&str] = &[
    r#"{"Account":"111122223333","Region":"cn-hongkong","SourceIp":"192.0.2.7","UserAgent":"fuzz"}"#,
    r#"{"Account":"1","Region":"cn-beijing","SecureTransport":true,"MFAPresent":false}"#,
    r#"{"Region":"cn-hongkong","AccessKeyId":"LTAI5t00000000000000000k"}"#,
    r#"{"Region":"cn-hongkong"}"#,
    r#"{"Account":"1"}"#,
    r#"{"Account":"1","Region":"cn-hongkong","SourceIp":"here"}"#,
    r#"{"Account":"1","Region":"mars","Secret":"x"}"#,
    "",
];

fn has_rates(options: &str) -> bool {
    let options = options.split('\0').next().unwrap_or_default();
    kmshsm::kms::Options::parse(options)
        .is_ok_and(|options| options.quotas.requests_per_second.is_some())
}

impl World {
    pub(crate) fn open(&mut self, place: u8, unlock: u8, secret: &Input, flags: u8, out: bool) {
        let place = Text::new(around(PLACES, place).copied().unwrap_or_default());
        let secret = Buffer::from_script(secret, 0);
        let mut handle = 0;
        let to = if out { &raw mut handle } else { ptr::null_mut() };
        // The override for unlocked memory is what mostly is asked for.
        let (unlock, flags) = (u32::from(unlock % 4), u32::from((flags % 4) ^ 1));
        // SAFETY: the string ends with NUL, the buffer has its length, `to` is to a place for one.
        let status = unsafe {
            kmshsm_open(place.as_ptr(), unlock, secret.as_ptr(), secret.capacity, flags, to)
        };
        self.opened(status, handle);
    }

    /// The same with options. Those with rates are left out: they hold for this fuzzer's own questions,
    /// too.
    pub(crate) fn open_with(
        &mut self,
        place: u8,
        unlock: u8,
        secret: &Input,
        options: &Options,
        out: bool,
    ) {
        let options = match options {
            Options::Known(at) => around(OPTIONS, *at).map_or(Text::NULL, Text::new),
            Options::Text(text) if has_rates(text) => return,
            Options::Text(text) => Text::new(text),
            Options::Broken => Text::new(b"{\"Quotas\":\xff}"),
            Options::Null => Text::NULL,
        };
        let place = Text::new(around(PLACES, place).copied().unwrap_or_default());
        let secret = Buffer::from_script(secret, 0);
        let mut handle = 0;
        let to = if out { &raw mut handle } else { ptr::null_mut() };
        let unlock = u32::from(unlock % 4);
        // SAFETY: strings end with NUL or are NULL, the buffer has its length, `to` is to a place for
        // one.
        let status = unsafe {
            kmshsm_open_with(
                place.as_ptr(),
                unlock,
                secret.as_ptr(),
                secret.capacity,
                options.as_ptr(),
                to,
            )
        };
        self.opened(status, handle);
    }

    fn opened(&mut self, status: Status, handle: Handle) {
        judge(status);
        assert_eq!(status == OK, handle != 0, "status {status}, handle {handle}");
        if status == OK {
            self.stores.push(Opened { handle, is_open: true, store: 0, space: (0, 0) });
        }
    }

    pub(crate) fn tick(&self, pick: &Pick, answer: bool) {
        let (store, found) = self.store(pick);
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_tick(store, to) };
        expect(status, &found);
        assert_eq!(status == OK, !string.is_null());
        if status == OK {
            let done = take(string);
            let counts = ["Deleted", "Rotated", "Expired"].map(|name| done[name].is_u64());
            assert_eq!(counts, [true; 3], "{done}");
        }
    }

    pub(crate) fn close(&mut self, pick: &Pick) {
        let (handle, found) = self.store(pick);
        // SAFETY: no pointers.
        unsafe { kmshsm_close(handle) };
        if let Found::Number(at) = found {
            self.stores[at].is_open = false;
        }
    }

    pub(crate) fn open_session(&mut self, pick: &Pick, account: u8, region: u8, out: bool) {
        let (store, found) = self.store(pick);
        let space = (usize::from(account) % ACCOUNTS.len(), usize::from(region) % REGIONS.len());
        let (account, region) = (Text::new(ACCOUNTS[space.0]), Text::new(REGIONS[space.1]));
        let mut handle = 0;
        let to = if out { &raw mut handle } else { ptr::null_mut() };
        // SAFETY: strings end with NUL, `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_session_open(store, account.as_ptr(), region.as_ptr(), to) };
        expect(status, &found);
        assert_eq!(status == OK, handle != 0, "status {status}, handle {handle}");
        if let (OK, Found::Number(store)) = (status, found) {
            self.sessions.push(Opened { handle, is_open: true, store, space });
        }
    }

    pub(crate) fn open_session_with(
        &mut self,
        pick: &Pick,
        login: &Options,
        secret: &Input,
        out: bool,
    ) {
        let (store, found) = self.store(pick);
        let known = match login {
            Options::Known(at) => around(LOGINS, *at).copied(),
            _ => None,
        };
        let login = match login {
            Options::Known(_) => known.map_or(Text::NULL, Text::new),
            Options::Text(text) => Text::new(text),
            Options::Broken => Text::new(b"{\"Region\":\xff}"),
            Options::Null => Text::NULL,
        };
        let secret = Buffer::from_script(secret, 0);
        let mut handle = 0;
        let to = if out { &raw mut handle } else { ptr::null_mut() };
        // SAFETY: the string ends with NUL or is NULL, the buffer has its length, `to` is to a place
        // for one or NULL.
        let status = unsafe {
            kmshsm_session_open_with(store, login.as_ptr(), secret.as_ptr(), secret.capacity, to)
        };
        expect(status, &found);
        assert_eq!(status == OK, handle != 0, "status {status}, handle {handle}");
        if let (OK, Found::Number(store)) = (status, found) {
            let spaces = [(0, 0), (1, 1)];
            let is_known = |(login, _): &(&&str, (usize, usize))| known == Some(**login);
            match LOGINS.iter().zip(spaces).find(is_known) {
                Some((_, space)) => {
                    self.sessions.push(Opened { handle, is_open: true, store, space });
                }
                // SAFETY: no pointers. It may be of a space that nothing else is in.
                None => unsafe { kmshsm_session_free(handle) },
            }
        }
    }

    pub(crate) fn free_session(&mut self, pick: &Pick) {
        let (handle, found) = self.session(pick);
        // SAFETY: no pointers.
        unsafe { kmshsm_session_free(handle) };
        if let Found::Number(at) = found {
            self.sessions[at].is_open = false;
        }
    }

    /// Afterwards no handle works, and all of them can be ended.
    pub(crate) fn zeroize(&mut self) {
        // SAFETY: no pointers.
        judge(unsafe { kmshsm_zeroize() });
        for session in self.sessions.iter().filter(|session| session.is_open) {
            let (status, _) = call(session.handle, "ListKeys", "{}");
            assert_eq!(status, CLOSED);
        }
        self.end();
        let opened = self.stores.iter_mut().chain(&mut self.sessions).chain(&mut self.digests);
        opened.for_each(|opened| opened.is_open = false);
    }

    pub(crate) fn module_status(&self, pick: &Pick, answer: bool) {
        let (store, found) = self.store(pick);
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_module_status(store, to) };
        expect(status, &found);
        assert_eq!(status == OK, !string.is_null());
        if status == OK {
            assert_eq!(take(string)["state"], "operational");
        }
    }
}

pub(crate) fn create(place: u8, unlock: u8, secret: &Input) {
    let place = around(PLACES, place).copied().unwrap_or_default();
    let (place, secret) = (Text::new(place), Buffer::from_script(secret, 0));
    let unlock = u32::from(unlock % 4);
    // SAFETY: the string ends with NUL, and the buffer has its length.
    let status = unsafe { kmshsm_create(place.as_ptr(), unlock, secret.as_ptr(), secret.capacity) };
    judge(status);
    assert_ne!(status, OK, "a store where none can be");
}
