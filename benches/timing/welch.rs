//! Times by class, and Welch's t between them.

use std::time::Duration;

use kmshsm::constant_time::blocks::{CLASSES, Class};

/// What is cut off above: interruptions of every kind only add. t is taken with each, and the largest
/// counts.
const CROPS: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

/// Times in nanoseconds.
#[derive(Default)]
pub struct Samples([Vec<f64>; CLASSES.len()]);

impl Samples {
    pub fn add(&mut self, class: Class, took: Duration) {
        self.0[class as usize].push(took.as_nanos() as f64);
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    pub fn median(&self, class: Class) -> f64 {
        quantile(&mut self.0[class as usize].clone(), 0.5)
    }

    /// The t of the largest size between two classes.
    pub fn t(&self, one: Class, other: Class) -> f64 {
        let (one, other) = (&self.0[one as usize], &self.0[other as usize]);
        let mut pooled = [&one[..], other].concat();
        let t = CROPS.map(|crop| welch(one, other, quantile(&mut pooled, crop)));
        t.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap()
    }

    /// The largest size of t between any two of these classes.
    pub fn largest(&self, classes: &[Class]) -> f64 {
        let pairs = classes.iter().flat_map(|one| classes.iter().map(move |other| (one, other)));
        let pairs = pairs.filter(|(one, other)| one != other);
        pairs.map(|(one, other)| self.t(*one, *other).abs()).fold(0.0, f64::max)
    }
}

/// (mean - mean) / sqrt(variance / n + variance / n), of what is no longer than `limit`.
fn welch(one: &[f64], other: &[f64], limit: f64) -> f64 {
    let [(mean, error), (other_mean, other_error)] = [one, other].map(|times| {
        let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= limit).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let squares: f64 = kept.iter().map(|time| (time - mean).powi(2)).sum();
        (mean, squares / (count - 1.0) / count)
    });
    (mean - other_mean) / (error + other_error).sqrt()
}

fn quantile(times: &mut [f64], part: f64) -> f64 {
    let at = ((times.len() - 1) as f64 * part) as usize;
    *times.select_nth_unstable_by(at, f64::total_cmp).1
}
