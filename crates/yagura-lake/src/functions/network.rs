//! Functions over addresses: `in_cidr`, `ip_is_private`, `ip_version`.
//! Addresses are text in the lake; what is no address (an AWS service's name) is in no network.

use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::{BooleanBuilder, Int64Builder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{returned, text_columns, two_texts};

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    network: u128,
    prefix: u8,
    four: bool,
}

impl Block {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Host bits may be set.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text.trim(), None),
        };
        let (bits, four) = bits(address)?;
        let most = if four { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        (prefix <= most).then_some(Self { network: masked(bits, prefix, four), prefix, four })
    }

    /// Whether an address lies in the block. IPv4 and IPv6 never meet.
    pub(crate) fn contains(&self, address: &str) -> bool {
        bits(address).is_some_and(|(bits, four)| {
            four == self.four && masked(bits, self.prefix, four) == self.network
        })
    }
}

/// An address as a number; an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is IPv4.
fn bits(text: &str) -> Option<(u128, bool)> {
    Some(match text.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(four) => (u128::from(u32::from(four)), true),
        IpAddr::V6(six) => (u128::from(six), false),
    })
}

fn masked(bits: u128, prefix: u8, four: bool) -> u128 {
    let width: u32 = if four { 32 } else { 128 };
    let host = width.saturating_sub(u32::from(prefix));
    bits.checked_shr(host).map_or(0, |kept| kept.checked_shl(host).unwrap_or(0))
}

/// `in_cidr(address, '10.0.0.0/8')`: null for null, false for what is no address.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct InCidr {
    signature: Signature,
}

impl Default for InCidr {
    fn default() -> Self {
        let texts = vec![DataType::Utf8View, DataType::Utf8View];
        Self { signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for InCidr {
    fn name(&self) -> &'static str {
        "in_cidr"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (addresses, blocks) = two_texts(self.name(), &args)?;
        let mut last: Option<(String, Block)> = None;
        let mut builder = BooleanBuilder::with_capacity(args.number_rows);
        for (address, block) in addresses.iter().zip(&blocks) {
            let (Some(address), Some(text)) = (address, block) else {
                builder.append_null();
                continue;
            };
            let block = match &last {
                Some((seen, block)) if seen == text => *block,
                _ => {
                    let block = Block::parse(text).ok_or_else(|| {
                        exec_datafusion_err!(
                            "`{text}` is not a block of addresses (as `10.0.0.0/8`)"
                        )
                    })?;
                    last = Some((text.to_owned(), block));
                    block
                }
            };
            builder.append_value(block.contains(address));
        }
        returned(&args, Arc::new(builder.finish()))
    }
}

/// `ip_is_private(address)`: whether an address is not of the public internet.
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries, seen 2026-11.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct IsPrivate {
    signature: Signature,
}

impl Default for IsPrivate {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

impl ScalarUDFImpl for IsPrivate {
    fn name(&self) -> &'static str {
        "ip_is_private"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = text_columns(&args)?;
        let [addresses] = columns.as_slice() else {
            return exec_err!("`{}` takes one text", self.name());
        };
        let blocks: Vec<Block> = PRIVATE.iter().filter_map(|text| Block::parse(text)).collect();
        let mut builder = BooleanBuilder::with_capacity(args.number_rows);
        for address in addresses {
            builder.append_option(
                address
                    .filter(|address| bits(address).is_some())
                    .map(|address| blocks.iter().any(|block| block.contains(address))),
            );
        }
        returned(&args, Arc::new(builder.finish()))
    }
}

/// `ip_version(address)`: 4, 6, or null for what is no address.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressVersion {
    signature: Signature,
}

impl Default for AddressVersion {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AddressVersion {
    fn name(&self) -> &'static str {
        "ip_version"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = text_columns(&args)?;
        let [addresses] = columns.as_slice() else {
            return exec_err!("`{}` takes one text", self.name());
        };
        let mut builder = Int64Builder::with_capacity(args.number_rows);
        for address in addresses {
            let version = address.and_then(bits).map(|(_, four)| if four { 4 } else { 6 });
            builder.append_option(version);
        }
        returned(&args, Arc::new(builder.finish()))
    }
}
