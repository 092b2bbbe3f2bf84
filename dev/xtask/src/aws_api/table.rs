//! Puts the table together: preamble, head, and two frames per service.
//! The reader's half, and the description of the format, is `crates/yagura-aws/src/api/mod.rs`.

use anyhow::Context as _;

use super::wheel::Wheel;
use super::writer::{put_number, put_text};
use super::{block, model};

const MAGIC_SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
const MAGIC: &[u8; 8] = b"ygr-api\n";
const VERSION: u8 = 1;
/// Measured, table in bytes: 32 KiB 1,506,781; 64 KiB 1,472,190; 112 KiB 1,454,953; 160 KiB
/// 1,450,801. Beyond, opening costs more than the file saves.
const DICTIONARY_SIZE_BYTES: usize = 112 << 10;
const LEVEL: i32 = 19;

pub(crate) fn build(mut wheel: Wheel) -> anyhow::Result<Vec<u8>> {
    let models = model::read_all(&mut wheel)?;
    let partitions = model::partitions(&mut wheel)?.to_string();
    let mut parts = Vec::new();
    for model in &models {
        let block = block::build(model).with_context(|| format!("service `{}`", model.name))?;
        parts.push((model.name.as_str(), block, model.rules.to_string().into_bytes()));
    }
    let dictionary = dictionary(&parts)?;
    let mut packer = zstd::bulk::Compressor::with_dictionary(LEVEL, &dictionary)?;
    let mut head = Vec::new();
    put_text(&mut head, &format!("{} {}", wheel.package, wheel.version))?;
    put_number(&mut head, u32::try_from(parts.len())?);
    let mut frames = Vec::new();
    for (name, block, rules) in &parts {
        put_text(&mut head, name)?;
        for plain in [block, rules] {
            let packed = packer.compress(plain)?;
            put_number(&mut head, u32::try_from(packed.len())?);
            put_number(&mut head, u32::try_from(plain.len())?);
            frames.extend_from_slice(&packed);
        }
    }
    put_text(&mut head, &partitions)?;
    put_number(&mut head, u32::try_from(dictionary.len())?);
    head.extend_from_slice(&dictionary);
    let head = zstd::bulk::compress(&head, LEVEL)?;
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC_SKIPPABLE);
    out.extend_from_slice(&u32::try_from(MAGIC.len() + 1 + 4)?.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    out.extend_from_slice(&u32::try_from(head.len())?.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&frames);
    Ok(out)
}

/// What many services have in common, learned from all of them.
fn dictionary(parts: &[(&str, Vec<u8>, Vec<u8>)]) -> anyhow::Result<Vec<u8>> {
    // The beginnings suffice: a giant such as EC2 would only teach its own words.
    let sample = |bytes: &Vec<u8>| bytes.get(..bytes.len().min(32 << 10)).map(<[u8]>::to_vec);
    let both = parts.iter().flat_map(|(_, block, rules)| [sample(block), sample(rules)]);
    let samples: Vec<Vec<u8>> = both.flatten().collect();
    Ok(zstd::dict::from_samples(&samples, DICTIONARY_SIZE_BYTES)?)
}
