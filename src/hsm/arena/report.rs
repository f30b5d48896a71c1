//! What the arena is made of, for `status` and for the rule on keys at level HSM.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io;

use serde::Serialize;

/// How well secrets are kept from the rest of the machine, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// They may be swapped out.
    None,
    /// They stay in memory, and out of core dumps.
    Locked,
    /// They are also out of reach of `/proc/PID/mem`, `process_vm_readv` and most of the kernel.
    Secret,
}

/// What the arena's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Pages of `memfd_secret(2)`.
    MemfdSecret,
    /// Anonymous pages, locked with `mlock(2)`.
    Mlock,
    /// Anonymous pages.
    Plain,
}

/// Is it in use?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// It is.
    On,
    /// It is not; the reasons say why.
    Off,
}

/// What a forked child sees at the arena's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkPolicy {
    /// Nothing is mapped there.
    Dontfork,
    /// Zeros.
    Wipeonfork,
    /// A copy of the secrets; only the generation check stands before it.
    Inherited,
}

/// Why a protection is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Reason {
    /// The step that failed, such as `mlock`.
    pub step: &'static str,
    /// The system's answer, such as `EAGAIN`.
    pub errno: Cow<'static, str>,
    /// What may help.
    pub hint: &'static str,
}

/// Every protection of the arena, tried, not assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Report {
    /// What the memory is.
    pub arena: Kind,
    /// What that amounts to.
    pub protection: Protection,
    /// Its pages never go to swap.
    pub locked: bool,
    /// Its pages are left out of core dumps.
    pub dump_excluded: bool,
    /// Inaccessible pages stand before and behind it.
    pub guard_pages: Switch,
    /// A memory protection key keeps it closed outside `read` and `write`.
    pub pkey: Switch,
    /// Its mapping and protections can no longer be changed.
    pub mseal: Switch,
    /// What a forked child sees.
    pub fork: ForkPolicy,
    /// Work with keys runs on stacks in locked memory.
    pub secret_stack: Switch,
    /// How many of them there are: threads that find all of them taken wait.
    pub secret_stacks: usize,
    /// What AWS-LC allocates for private keys lies in locked memory; elsewhere it is wiped when freed.
    pub provider_heap: Switch,
    /// Its bytes. When it is full, idle keys make way.
    pub provider_heap_size: usize,
    /// Bytes of it that are taken.
    pub provider_heap_used: usize,
    /// Bytes, guard pages not counted.
    pub size: usize,
    /// Bytes taken by secrets, with their canaries and rounding.
    pub used: usize,
    /// Why it is not better.
    pub reasons: Vec<Reason>,
}

impl Report {
    /// The report of an arena that has nothing yet.
    pub(super) const fn nothing() -> Self {
        Self {
            arena: Kind::Plain,
            protection: Protection::None,
            locked: false,
            dump_excluded: false,
            guard_pages: Switch::Off,
            pkey: Switch::Off,
            mseal: Switch::Off,
            fork: ForkPolicy::Inherited,
            secret_stack: Switch::Off,
            secret_stacks: 0,
            provider_heap: Switch::Off,
            provider_heap_size: 0,
            provider_heap_used: 0,
            size: 0,
            used: 0,
            reasons: Vec::new(),
        }
    }

    /// Records a failed step, once for each answer, and says whether it succeeded.
    pub(super) fn note(&mut self, step: &'static str, done: io::Result<()>) -> bool {
        let Err(error) = done else { return true };
        let reason = Reason { step, errno: name(&error), hint: hint(step) };
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
        false
    }
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

fn hint(step: &str) -> &'static str {
    match step {
        "memfd_secret" => {
            "Needs Linux 5.14, before 6.5 with secretmem.enable=1, and a seccomp profile that allows it."
        }
        "mmap_secret" | "mlock" | "size" | "secret_stack" | "provider_heap" | "lasting_heap" => {
            "Raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=): what keys may take, a quarter more, and 3 MiB."
        }
        "pkey" => {
            "The processor, the hypervisor or the kernel offers no protection keys, or all are taken."
        }
        "pkey_probe" => "The protection key did not close the arena; it is not used.",
        "mseal" => "Needs Linux 6.10 and a seccomp profile that allows it.",
        "allocator" => "Somebody else has set AWS-LC's allocator, or this build does without.",
        "mmap" => "The process has no memory left for the arena.",
        _ => "The kernel refused; the arena does without.",
    }
}

fn name(error: &io::Error) -> Cow<'static, str> {
    let Some(number) = error.raw_os_error() else { return Cow::Borrowed("unexpected") };
    Cow::Borrowed(match number {
        libc::EPERM => "EPERM",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EINVAL => "EINVAL",
        libc::ENFILE => "ENFILE",
        libc::EMFILE => "EMFILE",
        libc::ENOSPC => "ENOSPC",
        libc::ENOSYS => "ENOSYS",
        libc::EBUSY => "EBUSY",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        other => return Cow::Owned(format!("errno {other}")),
    })
}
