//! The threat intelligence of this installation, made ready to match: lists, AWS's ranges, and
//! databases of places, from the data folder and the site folder.
//! Fetching is `yagura intelligence refresh`; matching is `yagura-judge`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use yagura_collect::intelligence::{AWS_RANGES, Loaded, Shelf, Trouble};
use yagura_content::Content;
use yagura_judge::intelligence::{Geo, Intelligence};
use yagura_model::Lang;
use yagura_model::indicator::IndicatorList;

use crate::context::Context;
use crate::settings;

/// Bytes of one database in MaxMind's format. The largest that is sold has a quarter of it.
const GEO_BYTES_MAX: u64 = 2 << 30;

/// Where copies of lists are kept.
pub(crate) fn shelf(context: &Context) -> anyhow::Result<Shelf> {
    Ok(Shelf::new(context.data_folder()?.join("intelligence")))
}

/// What files of the site's settings are relative to.
pub(crate) fn site_folder(context: &Context) -> anyhow::Result<PathBuf> {
    match settings::site_folder(&context.global)? {
        Some(folder) => Ok(folder),
        None => Ok(context.data_folder()?.join("site")),
    }
}

/// Reads what is there. What is missing, old or wrong is in the answer.
pub(crate) fn read(context: &Context, content: &Content) -> anyhow::Result<Loaded> {
    let (shelf, folder) = (shelf(context)?, site_folder(context)?);
    let site = &content.site.intelligence;
    Ok(yagura_collect::intelligence::load(&shelf, site, &folder, context.now()))
}

/// Everything that detection asks about addresses and names, or none where nothing is known.
/// What is missing, old or wrong is told on stderr.
pub(crate) fn load(
    context: &Context,
    content: &Content,
) -> anyhow::Result<Option<Arc<Intelligence>>> {
    let loaded = read(context, content)?;
    for trouble in &loaded.troubles {
        context.remark(&told(trouble, context.lang));
    }
    let geo = geo(context, content)?;
    if loaded.lists.is_empty() && loaded.aws_ranges.is_none() && geo.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(compile(context, content, loaded, geo))))
}

/// Lists and ranges with the rules.
pub(crate) fn compile(
    context: &Context,
    content: &Content,
    loaded: Loaded,
    geo: Option<Geo>,
) -> Intelligence {
    let lists: Vec<IndicatorList> = loaded.lists.into_iter().map(|loaded| loaded.list).collect();
    let (intelligence, faults) =
        Intelligence::new(content, &lists, geo, loaded.aws_ranges.as_ref());
    for (rule, why) in faults {
        let why = context.told(why);
        context.remark_in(
            &format!("warning: the rule `{rule}` is not used: {why}"),
            &format!("警告: ルール `{rule}` は使用しません: {why}"),
        );
    }
    intelligence
}

/// The databases of places and autonomous systems that the site names. One that cannot be read
/// is told and left out.
pub(crate) fn geo(context: &Context, content: &Content) -> anyhow::Result<Option<Geo>> {
    let folder = site_folder(context)?;
    let setting = &content.site.intelligence.geo;
    let read = |name: &Option<yagura_content::Placed<String>>| {
        let path = folder.join(name.as_ref()?.as_str());
        match bytes(&path) {
            Ok(bytes) => Some((path, bytes)),
            Err(error) => {
                unreadable(context, &path, &error.to_string());
                None
            }
        }
    };
    let (place, asn) = (read(&setting.place), read(&setting.asn));
    let mut found = [None, None];
    for (slot, read) in found.iter_mut().zip([place, asn]) {
        let Some((path, bytes)) = read else { continue };
        // Each is opened alone first, so that a damaged one does not take the other along.
        match Geo::new(Some(bytes.clone()), None) {
            Ok(_) => *slot = Some(bytes),
            Err(error) => unreadable(context, &path, &error.to_string()),
        }
    }
    let [place, asn] = found;
    if place.is_none() && asn.is_none() {
        return Ok(None);
    }
    Ok(Some(Geo::new(place, asn)?))
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > GEO_BYTES_MAX {
        return Err(std::io::Error::other("it is not a file of at most 2 GiB"));
    }
    let mut bytes = Vec::new();
    file.take(GEO_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(context: &Context, path: &Path, why: &str) {
    let (path, why) = (path.display(), context.told(why));
    context.remark_in(
        &format!("warning: `{path}` is not used: {why}; countries and networks are unknown"),
        &format!("警告: `{path}` は使用しません: {why}。国とネットワークは不明になります"),
    );
}

/// What a person is told about a list that is not as it should be.
pub(crate) fn told(trouble: &Trouble, lang: Lang) -> String {
    let because = |reason: &Option<String>| {
        reason.as_ref().map_or_else(String::new, |reason| match lang {
            Lang::En => format!(" ({reason})"),
            Lang::Ja => format!("（{}）", yagura_report::error_in(lang, reason)),
        })
    };
    match (trouble, lang) {
        (Trouble::Missing { name, reason }, _) if name == AWS_RANGES => {
            let why = because(reason);
            match lang {
                Lang::En => format!(
                    "note: AWS's address ranges are not there{why}, so nothing is told about \
                     credentials used outside AWS; `yagura intelligence refresh` fetches them"
                ),
                Lang::Ja => format!(
                    "注意: AWS の IP アドレス範囲がないため{why}、AWS の外での認証情報の使用は検出\
                     されません。`yagura intelligence refresh` で取得できます"
                ),
            }
        }
        (Trouble::Missing { name, reason }, Lang::En) => format!(
            "warning: the list `{name}` is not there{}, so nothing on it is found; \
             `yagura intelligence refresh` fetches it",
            because(reason)
        ),
        (Trouble::Missing { name, reason }, Lang::Ja) => format!(
            "警告: リスト `{name}` がないため{}、照合されません。\
             `yagura intelligence refresh` で取得できます",
            because(reason)
        ),
        (Trouble::Stale { name, fetched_at, reason }, Lang::En) => {
            format!("warning: the list `{name}` is of {fetched_at}{}", because(reason))
        }
        (Trouble::Stale { name, fetched_at, reason }, Lang::Ja) => {
            format!("警告: リスト `{name}` は {fetched_at} 時点のものです{}", because(reason))
        }
        (Trouble::Unusable { name, reason }, Lang::En) => {
            format!("warning: the list `{name}` is not used: {reason}")
        }
        (Trouble::Unusable { name, reason }, Lang::Ja) => {
            format!("警告: リスト `{name}` は使用しません: {reason}")
        }
    }
}
