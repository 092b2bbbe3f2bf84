//! `cargo xtask bench access`: decisions per second and core; who can do something, and who can
//! come to power, of many principals; a policy from the use in many events. Times are those on a
//! core: what others on the machine do does not count.
//!
//! The digests are over what was answered, so that a fast wrong answer shows.

#![expect(clippy::print_stdout, reason = "a benchmark's record goes to stdout")]

mod clock;
mod decisions;
mod escalations;
mod least_privilege;
mod who_can;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut principals, mut rounds, mut events) = (10_000_usize, 250_000_u64, 1_000_000_u64);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--principals" => principals = args.next().ok_or("--principals N")?.parse()?,
            "--events" => events = args.next().ok_or("--events N")?.parse()?,
            "--rounds" => rounds = args.next().ok_or("--rounds N")?.parse()?,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    decisions::run(rounds)?;
    who_can::run(principals)?;
    escalations::run(principals)?;
    least_privilege::run(events)
}

/// FNV-1a, 64 bits.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
