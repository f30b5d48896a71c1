//! The C ABI against the raw provider, in one run: every contestant of a group is timed in turn in
//! each round, in thread CPU time; the figure is the median of the rounds, and only ratios count.
//! How two threads do beside one is by the wall clock, too: waiting for each other counts.
//!
//! `cargo bench --features testing --bench abi [-- WORD]` runs the groups whose name has the word.
#![allow(missing_docs)]

use std::ffi::{CString, c_char, c_void};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use kmshsm::api::OVERHEAD;

const ROUNDS: usize = 15;
const ROUND_NS: u64 = 20_000_000;

unsafe extern "C" {
    fn kmshsm_testing_plain_memory();
    fn kmshsm_open(
        place: *const c_char,
        unlock: u32,
        secret: *const u8,
        secret_len: usize,
        flags: u32,
        out: *mut *const c_void,
    ) -> u32;
    fn kmshsm_session_open(
        store: *const c_void,
        account: *const c_char,
        region: *const c_char,
        out: *mut *const c_void,
    ) -> u32;
    fn kmshsm_call(
        session: *const c_void,
        action: *const c_char,
        parameters: *const c_char,
        answer: *mut *mut c_char,
    ) -> u32;
    fn kmshsm_encrypt(
        session: *const c_void,
        key_id: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_decrypt(
        session: *const c_void,
        ciphertext: *const u8,
        ciphertext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_generate_data_key(
        session: *const c_void,
        key_id: *const c_char,
        number_of_bytes: usize,
        encryption_context: *const c_char,
        plaintext: *mut u8,
        plaintext_capacity: usize,
        plaintext_len: *mut usize,
        ciphertext: *mut u8,
        ciphertext_capacity: usize,
        ciphertext_len: *mut usize,
    ) -> u32;
}

fn main() {
    if let Some(memory) = std::env::args().find(|argument| argument.ends_with(" memory")) {
        return serve(&memory);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| wanted.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let session = open();
    let aes = create(session, r#"{"ProtectionLevel":"HSM","KeySpec":"Aliyun_AES_256"}"#);
    for len in [32usize, 1024, 4096, 6144] {
        let name = format!("encrypt {len} bytes, AES-256");
        if wanted(&name) {
            let contestants =
                [raw_seal(len), raw_seal_in_place(len), abi_encrypt(session, &aes, len)];
            group(&name, &mut Vec::from(contestants));
        }
        let name = format!("the boundary, {len} bytes encrypted");
        if wanted(&name) && len == 32 {
            boundary(&name);
        }
        let name = format!("decrypt {len} bytes, AES-256");
        if wanted(&name) {
            let contestants = [raw_seal(len), raw_open(len), abi_decrypt(session, &aes, len)];
            group(&name, &mut Vec::from(contestants));
        }
    }
    if wanted("data key") {
        group("data key of 32 bytes", &mut [raw_seal(32), abi_data_key(session, &aes)]);
    }
    for len in [32usize, 4096] {
        let name = format!("two threads on one hot key, {len} bytes encrypted");
        if wanted(&name) {
            let session = session.expose_provenance();
            let session = || ptr::with_exposed_provenance(session);
            scaling(&name, &[&|| raw_seal(len), &|| abi_encrypt(session(), &aes, len)]);
        }
    }
}

/// A contestant: its name and one operation.
type Contestant = (&'static str, Box<dyn FnMut()>);

/// Times the contestants in turn and prints each against the first.
fn group(name: &str, contestants: &mut [Contestant]) {
    let runs: Vec<u64> = contestants.iter_mut().map(|(_, run)| calibrate(run)).collect();
    let mut times = vec![Vec::new(); contestants.len()];
    for round in 0..ROUNDS {
        for turn in 0..contestants.len() {
            let at = (round + turn) % contestants.len();
            let start = thread_ns();
            for _ in 0..runs[at] {
                contestants[at].1();
            }
            times[at].push((thread_ns() - start) as f64 / runs[at] as f64);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!("{name}");
    for ((label, _), time) in contestants.iter().zip(&medians) {
        println!("  {label:<42} {time:>9.0} ns   {:.3} of the first", medians[0] / time);
    }
}

/// What the boundary costs: the same program once with all its protections and once with none, which a
/// process decides for good, so each is a process of its own that times a round when it is told to.
fn boundary(name: &str) {
    let memories = ["plain memory", "secret memory"];
    let mut servers = memories.map(|memory| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        let program = program.arg(memory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        (child.stdin.take().unwrap(), output, child)
    });
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..40 * ROUNDS {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let (input, output, _) = &mut servers[at];
            input.write_all(b"round\n").unwrap();
            times[at].push(output.next().unwrap().unwrap().parse::<f64>().unwrap());
        }
    }
    for (input, _, mut child) in servers {
        drop(input);
        assert!(child.wait().unwrap().success());
    }
    println!("{name}");
    let mut costs: Vec<f64> = times[1].iter().zip(&times[0]).map(|(b, a)| b - a).collect();
    let cost = median(&mut costs);
    let [plain, secret] = times.map(|mut times| median(&mut times));
    println!("  {:<42} {plain:>9.0} ns", memories[0]);
    println!(
        "  {:<42} {secret:>9.0} ns   {cost:+.0} ns, median of neighbouring rounds",
        memories[1]
    );
}

/// Times a round of encryptions for each line of input.
fn serve(memory: &str) {
    if memory == "plain memory" {
        // SAFETY: the first call of the process.
        unsafe { kmshsm_testing_plain_memory() };
    }
    let session = open();
    let aes = create(session, r#"{"ProtectionLevel":"HSM","KeySpec":"Aliyun_AES_256"}"#);
    let (_, mut run) = abi_encrypt(session, &aes, 32);
    // Short rounds: neighbours in time are compared, and the machine's mood lasts longer.
    let runs = calibrate(&mut run) / 10;
    for _ in std::io::stdin().lines() {
        let start = thread_ns();
        (0..runs).for_each(|_| run());
        println!("{}", (thread_ns() - start) as f64 / runs as f64);
    }
}

/// Times each contestant on one thread and on two in turn, every thread with one of its own making,
/// and prints how many times the work of one two do: by the clock on the wall, and by the processor
/// time of a call, which a busy machine does not spoil.
fn scaling(name: &str, contestants: &[&(dyn Fn() -> Contestant + Sync)]) {
    let runs: Vec<u64> = contestants.iter().map(|make| calibrate(&mut make().1) / 4).collect();
    let mut rounds = vec![[const { (Vec::new(), Vec::new()) }; 2]; contestants.len()];
    for _ in 0..4 * ROUNDS {
        for (at, make) in contestants.iter().enumerate() {
            for threads in [1, 2] {
                let (rate, cost) = rate(make, runs[at], threads);
                rounds[at][threads - 1].0.push(rate);
                rounds[at][threads - 1].1.push(cost);
            }
        }
    }
    println!("{name}");
    for (make, rounds) in contestants.iter().zip(&mut rounds) {
        let [one, two] = rounds.each_mut().map(|(rates, costs)| (median(rates), median(costs)));
        let (label, ns) = (make().0, 1e9 / one.0);
        let (wall, processor) = (two.0 / one.0, 2.0 * one.1 / two.1);
        println!("  {label:<42} {ns:>9.0} ns   {wall:.3} of one thread ({processor:.3})");
    }
}

/// Operations a second of so many threads, while the first one does its `runs`, and the processor
/// time of one of its.
fn rate(make: &(dyn Fn() -> Contestant + Sync), runs: u64, threads: usize) -> (f64, f64) {
    let (ready, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let begin = || {
        let mut run = make().1;
        (0..100).for_each(|_| run());
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < threads {
            std::hint::spin_loop();
        }
        run
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (mut run, mut done) = (begin(), 0u64);
                    while !over.load(Ordering::Relaxed) {
                        run();
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let mut run = begin();
        let (start, start_ns) = (Instant::now(), thread_ns());
        (0..runs).for_each(|_| run());
        let (took_ns, took) = (thread_ns() - start_ns, start.elapsed().as_secs_f64());
        over.store(true, Ordering::Relaxed);
        let done: u64 = others.into_iter().map(|other| other.join().unwrap()).sum();
        ((runs + done) as f64 / took, took_ns as f64 / runs as f64)
    })
}

fn calibrate(run: &mut dyn FnMut()) -> u64 {
    let mut runs = 1;
    loop {
        let start = thread_ns();
        (0..runs).for_each(|_| run());
        let took = thread_ns() - start;
        if took > ROUND_NS / 4 {
            return (runs * ROUND_NS / took).max(1);
        }
        runs *= 4;
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn thread_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The same job: the plaintext stays, the ciphertext goes elsewhere.
fn raw_seal(len: usize) -> Contestant {
    let (plaintext, mut out) = (vec![7u8; len], vec![0u8; len]);
    let mut seal = fresh_key_seal();
    let run = move || {
        out.copy_from_slice(black_box(&plaintext));
        seal(&mut out);
        black_box(&out);
    };
    ("aws-lc-rs, fresh key, from buffer to buffer", Box::new(run))
}

/// Less than the job: the plaintext is overwritten.
fn raw_seal_in_place(len: usize) -> Contestant {
    let mut buffer = vec![7u8; len];
    let mut seal = fresh_key_seal();
    let run = move || {
        seal(&mut buffer);
        black_box(&buffer);
    };
    ("aws-lc-rs, fresh key, in place", Box::new(run))
}

fn fresh_key_seal() -> impl FnMut(&mut [u8]) {
    let mut count = 0u64;
    move |buffer| {
        count += 1;
        let mut key = [9u8; 32];
        key[..8].copy_from_slice(&count.to_be_bytes());
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), buffer).unwrap();
        black_box(tag.as_ref());
    }
}

fn raw_open(len: usize) -> Contestant {
    let key = [9u8; 32];
    let sealer = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let mut sealed = vec![7u8; len];
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let tag = sealer.seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed).unwrap();
    let mut out = vec![0u8; len];
    let run = move || {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, black_box(&key)).unwrap());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = tag.as_ref();
        key.open_separate_gather(nonce, Aad::empty(), &sealed, tag, &mut out).unwrap();
        black_box(&out);
    };
    ("aws-lc-rs open, the key set up each time", Box::new(run))
}

fn abi_encrypt(session: *const c_void, key: &CString, len: usize) -> Contestant {
    let (plaintext, mut out, key) = (vec![7u8; len], vec![0u8; len + OVERHEAD], key.clone());
    let run = move || {
        let mut out_len = 0;
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            let (input, output) = (plaintext.as_ptr(), out.as_mut_ptr());
            kmshsm_encrypt(
                session,
                key.as_ptr(),
                input,
                len,
                ptr::null(),
                output,
                len + OVERHEAD,
                &mut out_len,
            )
        };
        assert_eq!(status, 0);
        black_box(&out);
    };
    ("kmshsm_encrypt", Box::new(run))
}

fn abi_decrypt(session: *const c_void, key: &CString, len: usize) -> Contestant {
    let (plaintext, mut sealed, mut out_len) = (vec![7u8; len], vec![0u8; len + OVERHEAD], 0);
    // SAFETY: the contract of kmshsm.h.
    let status = unsafe {
        let (input, output) = (plaintext.as_ptr(), sealed.as_mut_ptr());
        kmshsm_encrypt(
            session,
            key.as_ptr(),
            input,
            len,
            ptr::null(),
            output,
            len + OVERHEAD,
            &mut out_len,
        )
    };
    assert_eq!(status, 0);
    let mut out = vec![0u8; len];
    let run = move || {
        let mut out_len = 0;
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            let (input, output) = (sealed.as_ptr(), out.as_mut_ptr());
            kmshsm_decrypt(session, input, len + OVERHEAD, ptr::null(), output, len, &mut out_len)
        };
        assert_eq!(status, 0);
        black_box(&out);
    };
    ("kmshsm_decrypt", Box::new(run))
}

fn abi_data_key(session: *const c_void, key: &CString) -> Contestant {
    let (mut plain, mut sealed, key) = ([0u8; 32], [0u8; 32 + OVERHEAD], key.clone());
    let run = move || {
        let (mut plain_len, mut sealed_len) = (0, 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            kmshsm_generate_data_key(
                session,
                key.as_ptr(),
                32,
                ptr::null(),
                plain.as_mut_ptr(),
                32,
                &mut plain_len,
                sealed.as_mut_ptr(),
                32 + OVERHEAD,
                &mut sealed_len,
            )
        };
        assert_eq!(status, 0);
        black_box((&plain, &sealed));
    };
    ("kmshsm_generate_data_key", Box::new(run))
}

fn open() -> *const c_void {
    let (mut store, mut session) = (ptr::null(), ptr::null());
    // SAFETY: the contract of kmshsm.h.
    unsafe {
        assert_eq!(kmshsm_open(c"memory:".as_ptr(), 0, ptr::null(), 0, 1, &mut store), 0);
        let (account, region) = (c"111122223333", c"cn-hangzhou");
        let (account, region) = (account.as_ptr(), region.as_ptr());
        assert_eq!(kmshsm_session_open(store, account, region, &mut session), 0);
    }
    session
}

fn create(session: *const c_void, parameters: &str) -> CString {
    let parameters = CString::new(parameters).unwrap();
    let mut answer = ptr::null_mut();
    // SAFETY: the contract of kmshsm.h; the answer is not freed, for it is read to the end.
    let answer = unsafe {
        assert_eq!(
            kmshsm_call(session, c"CreateKey".as_ptr(), parameters.as_ptr(), &mut answer),
            0
        );
        std::ffi::CStr::from_ptr(answer)
    };
    let answer: serde_json::Value = serde_json::from_slice(answer.to_bytes()).unwrap();
    CString::new(answer["KeyMetadata"]["KeyId"].as_str().unwrap()).unwrap()
}
