//! Where things are: the data folder, the site folder, the configuration folder, the database.
//! It reads the environment, once; nothing is made until something is written.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use etcetera::BaseStrategy;

use crate::cli::Global;
use crate::output::Hinted;

/// The XDG configuration folder of Yagura.
pub(crate) fn config_folder() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("yagura"))
}

/// The folder that holds all state: the flag, else the XDG data folder.
pub(crate) fn data_folder(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &global.data_dir {
        return Ok(folder.clone());
    }
    let base = etcetera::choose_base_strategy().context(Hinted::new(
        "could not find a home folder for Yagura's data",
        "name one with --data-dir or YAGURA_DATA_DIR",
    ))?;
    Ok(base.data_dir().join("yagura"))
}

/// Makes the data folder, readable by its owner only: an inventory is a map for an attacker.
pub(crate) fn make_data_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).context(Hinted::new(
        format!("could not make the data folder `{}`", folder.display()),
        "choose a writable place with --data-dir or YAGURA_DATA_DIR",
    ))
}

/// The site folder: the flag, else `site` in the data folder where it exists.
pub(crate) fn site_folder(global: &Global) -> anyhow::Result<Option<PathBuf>> {
    if let Some(folder) = &global.site {
        anyhow::ensure!(
            folder.is_dir(),
            Hinted::new(
                format!("the site folder `{}` is not there", folder.display()),
                "make it, or leave out --site (YAGURA_SITE_DIR)",
            )
        );
        return Ok(Some(folder.clone()));
    }
    let usual = data_folder(global)?.join("site");
    Ok(usual.is_dir().then_some(usual))
}
