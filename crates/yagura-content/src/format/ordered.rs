//! Shapes of YAML that formats share: maps that keep their order, one value for a list of one, and
//! a list for a map that has nothing else.
//! What stands in them is the business of the formats.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::place::Placed;

/// A map in the order of the file, whose keys know their place.
#[derive(Clone, Debug)]
pub struct Ordered<T>(pub Vec<(Placed<String>, T)>);

/// A list, or one value that stands for a list of one.
#[derive(Clone, Debug)]
pub struct Listed<T>(pub Vec<T>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries: Vec<(Placed<String>, T)> = Vec::new();
                while let Some(entry) = map.next_entry::<Placed<String>, T>()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// One text, a list of texts, or a map that says more.
#[derive(Clone, Debug)]
pub(crate) enum Brief<T, W> {
    Listed(Listed<T>),
    Whole(W),
}

/// What `Listed` reads where there is no map.
#[derive(Debug)]
enum Never {}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("a text or a list of texts is expected, not a map"))
    }
}

impl<'de, T> Deserialize<'de> for Listed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Brief::<T, Never>::deserialize(deserializer)? {
            Brief::Listed(listed) => Ok(listed),
            Brief::Whole(never) => match never {},
        }
    }
}

impl<'de, T, W> Deserialize<'de> for Brief<T, W>
where
    T: FromStr,
    T::Err: fmt::Display,
    W: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes<T, W>(PhantomData<(T, W)>);
        impl<'de, T, W> Visitor<'de> for Shapes<T, W>
        where
            T: FromStr,
            T::Err: fmt::Display,
            W: Deserialize<'de>,
        {
            type Value = Brief<T, W>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Brief::Listed(Listed(vec![text.parse().map_err(E::custom)?])))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    values.push(text.parse().map_err(A::Error::custom)?);
                }
                Ok(Brief::Listed(Listed(values)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                W::deserialize(MapAccessDeserializer::new(map)).map(Brief::Whole)
            }
        }
        deserializer.deserialize_any(Shapes(PhantomData))
    }
}

/// Reads a value from its text: `#[serde(deserialize_with = "from_text")]`.
///
/// # Errors
/// What is no text, and what `T` does not read.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}
