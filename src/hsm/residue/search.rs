//! The search of all writable memory for parts of secrets, while the thread that had them waits.

use std::sync::atomic::{AtomicU32, Ordering};

const MASK: u8 = 0x6b;
const WINDOW: usize = 16;

/// Windows of secrets, masked, with what they are.
#[derive(Default)]
pub(super) struct Wanted(Vec<(&'static str, [u8; WINDOW])>);

impl Wanted {
    /// Every 16 bytes of a secret, as they are and backwards, as numbers lie in memory. Runs where the
    /// secret is.
    pub(super) fn add(&mut self, name: &'static str, secret: &[u8]) {
        for window in secret.as_chunks::<WINDOW>().0 {
            let mut masked = [0; WINDOW];
            for (at, byte) in window.iter().enumerate() {
                masked[at] = byte ^ MASK;
            }
            self.0.push((name, masked));
            masked.reverse();
            self.0.push((name, masked));
        }
    }

    /// The names of those that lie in memory that everybody may read.
    pub(super) fn found(&self) -> Vec<&'static str> {
        // Most places are told apart by two bytes.
        let mut begins = vec![Vec::new(); 1 << 16];
        for window in &self.0 {
            let begin = [window.1[0] ^ MASK, window.1[1] ^ MASK];
            begins[usize::from(u16::from_ne_bytes(begin))].push(window);
        }
        let mut found = Vec::new();
        for range in readable() {
            for address in range.start..range.end - (WINDOW - 1) {
                let pointer = std::ptr::without_provenance::<u8>(address);
                // SAFETY: it can be read, and the 16 bytes from there, too; nothing is unmapped
                // meanwhile, for every other thread waits.
                unsafe {
                    let begin = [pointer.read_volatile(), pointer.add(1).read_volatile()];
                    let begun = begins[usize::from(u16::from_ne_bytes(begin))].iter();
                    found.extend(begun.filter(|(_, rest)| is_at(pointer, rest)).map(|it| it.0));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// # Safety
/// 16 bytes can be read there.
unsafe fn is_at(pointer: *const u8, masked: &[u8; WINDOW]) -> bool {
    // SAFETY: the caller's word.
    (0..WINDOW).all(|at| unsafe { pointer.add(at).read_volatile() } ^ MASK == masked[at])
}

/// The writable memory of the process that is there, secret memory aside.
fn readable() -> Vec<std::ops::Range<usize>> {
    use std::os::unix::fs::FileExt;
    const PAGE: usize = 4096;
    let pagemap = std::fs::File::open("/proc/self/pagemap").unwrap();
    let is_present = |page: usize| {
        let mut entry = [0; 8];
        pagemap.read_exact_at(&mut entry, (page / PAGE * 8) as u64).unwrap();
        u64::from_ne_bytes(entry) >> 62 != 0 // present, or swapped out
    };
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lines = maps.lines().filter(|line| line.contains(" rw") && !line.contains("/secretmem"));
    let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    for (start, end) in lines.filter_map(|line| line.split(' ').next()?.split_once('-')) {
        for page in (hex(start)..hex(end)).step_by(PAGE).filter(|page| is_present(*page)) {
            match ranges.last_mut() {
                Some(last) if last.end == page => last.end += PAGE,
                _ => ranges.push(page..page + PAGE),
            }
        }
    }
    ranges
}

/// 0: at work. 1: done. 2: registers stored. 3: searched.
static STAGE: AtomicU32 = AtomicU32::new(0);

fn await_stage(stage: u32) {
    while STAGE.load(Ordering::SeqCst) != stage {
        std::hint::spin_loop();
    }
}

/// The kernel has put every register onto the stack of the thread that waits here.
pub(super) extern "C" fn hold_still(_: libc::c_int) {
    STAGE.store(2, Ordering::SeqCst);
    // The search may have this thread's processor.
    while STAGE.load(Ordering::SeqCst) != 3 {
        // SAFETY: touches no memory.
        unsafe { libc::sched_yield() };
    }
}

/// Ends the process if its thread panics: the other one would wait for it for ever.
struct Together;

impl Drop for Together {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// Does the work, and has another thread search when it is done.
pub(super) fn search_after(wanted: &Wanted, work: impl FnOnce()) -> Vec<&'static str> {
    STAGE.store(0, Ordering::SeqCst);
    // SAFETY: this thread lives until the search is over.
    let worker = unsafe { libc::pthread_self() };
    std::thread::scope(|scope| {
        let searcher = scope.spawn(move || {
            let _together = Together;
            await_stage(1);
            // SAFETY: as above.
            unsafe { libc::pthread_kill(worker, libc::SIGUSR1) };
            await_stage(2);
            let found = wanted.found();
            STAGE.store(3, Ordering::SeqCst);
            found
        });
        let together = Together;
        work();
        drop(together);
        STAGE.store(1, Ordering::SeqCst);
        await_stage(3);
        searcher.join().unwrap()
    })
}
