//! Whether the time of a decryption tells what was wrong with the padding: Welch's t-test between six
//! classes of blocks, in the manner of dudect (Reparaz, Balasch, Verbauwhede 2017). The order of the
//! classes is random, inputs are made in batches before any is timed, and stand in one place.
//!
//! `cargo bench --features testing --bench timing [-- WORD]` runs the subjects whose name has the word.
//! It measures and judges nothing: SECURITY.md has what it found, and how to read it.
#![allow(missing_docs)]

mod subjects;
mod welch;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Instant;

use kmshsm::constant_time::blocks::{CLASSES, Class};

use subjects::Subject;
use welch::Samples;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for make in subjects::ALL {
        let mut subject = make();
        if wanted.as_ref().is_none_or(|word| subject.name().contains(word.as_str())) {
            measure(&mut *subject);
        }
    }
}

fn measure(subject: &mut dyn Subject) {
    let mut samples = Samples::default();
    let mut history = Vec::new();
    let failing: Vec<Class> = CLASSES.into_iter().filter(|class| !subject.takes(*class)).collect();
    let checkpoints = [subject.samples() / 16, subject.samples() / 4, subject.samples()];
    for checkpoint in checkpoints {
        while samples.count() < checkpoint {
            batch(subject, &mut samples);
        }
        history.push((samples.count(), samples.largest(&failing), samples.largest(&CLASSES)));
    }
    println!("{}", subject.name());
    print!("  {:<18}{:>10}", "", "median");
    CLASSES.iter().for_each(|class| print!("{:>13}", format!("{class:?}")));
    println!();
    for class in CLASSES {
        print!("  {:<18}{:>7.0} ns", format!("{class:?}"), samples.median(class));
        CLASSES.iter().for_each(|other| match *other == class {
            true => print!("{:>13}", "-"),
            false => print!("{:>13.1}", samples.t(class, *other)),
        });
        println!();
    }
    for (count, failing, all) in history {
        println!("  {count:>8} samples: |t| <= {failing:.1} among the failing, {all:.1} among all");
    }
}

/// Times one batch, all of whose inputs are there before.
fn batch(subject: &mut dyn Subject, samples: &mut Samples) {
    subject.begin();
    let inputs: Vec<(Class, Vec<u8>)> = (0..subject.batch())
        .map(|_| {
            let class = CLASSES[random() as usize % CLASSES.len()];
            (class, subject.input(class))
        })
        .collect();
    let mut place = Vec::new();
    for (class, input) in inputs {
        place.clone_from(&input);
        let start = Instant::now();
        let is_right = subject.attempt(&mut place);
        let took = start.elapsed();
        assert_eq!(is_right, subject.takes(class));
        samples.add(class, took);
    }
}

/// Chooses classes; hidden from nobody.
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}
