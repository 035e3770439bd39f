//! The folder a template stands in: the only place linked templates are read from.

use std::path::{Path, PathBuf};

use anyhow::Context;
use nave_arm::ArmError;
use nave_template::{Link, Links};
use reqwest::Url;

/// The longest linked template, in bytes.
const LONGEST: u64 = 4 << 20;

/// A template's folder.
pub(super) struct Folder {
    root: PathBuf,
    template: Url,
}

impl Folder {
    /// The folder of a template.
    pub(super) fn of(template: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("`{}` cannot be read", template.display());
        let template = template.canonicalize().with_context(cannot)?;
        let root = template.parent().with_context(cannot)?.to_owned();
        let template = Url::from_file_path(&template).ok().with_context(cannot)?;
        Ok(Self { root, template })
    }

    /// The template's address, to which links in it are relative.
    pub(super) fn address(&self) -> &str {
        self.template.as_str()
    }

    /// The file behind an address, if it is one in the folder.
    fn file(&self, address: &str) -> Option<PathBuf> {
        let url = Url::parse(address).ok().filter(|url| url.scheme() == "file")?;
        let file = url.to_file_path().ok()?.canonicalize().ok()?;
        let is_short = file
            .metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LONGEST);
        (file.starts_with(&self.root) && is_short).then_some(file)
    }
}

impl Links for Folder {
    fn fetch(&self, link: &Link, from: Option<&str>) -> Result<(String, String), ArmError> {
        let address = link.address(Some(from.unwrap_or(self.address())))?;
        let refused = || {
            link.refused("without a server, only files in the folder of the template (at most 4 MB) are read")
        };
        let file = self.file(&address).ok_or_else(refused)?;
        let text = std::fs::read_to_string(file).map_err(|_| refused())?;
        Ok((text, address))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_is_read() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("in");
        std::fs::create_dir_all(root.join("deep")).unwrap();
        for file in ["in/main.json", "in/deep/part.json", "secret.json"] {
            std::fs::write(outside.path().join(file), file).unwrap();
        }
        let folder = Folder::of(&root.join("main.json")).unwrap();
        let fetch = |link: serde_json::Value, from: Option<&str>| {
            folder
                .fetch(&Link::read(&link).unwrap(), from)
                .map(|(text, _)| text)
        };
        let relative = |path: &str| json!({ "relativePath": path });
        assert_eq!(
            fetch(relative("deep/part.json"), None).unwrap(),
            "in/deep/part.json"
        );
        let (_, address) = folder
            .fetch(&Link::read(&relative("deep/part.json")).unwrap(), None)
            .unwrap();
        assert_eq!(
            fetch(relative("../main.json"), Some(&address)).unwrap(),
            "in/main.json"
        );
        for path in ["../secret.json", "nowhere.json", "deep"] {
            assert!(fetch(relative(path), None).is_err(), "{path}");
        }
        assert!(fetch(json!({"uri": "https://example.com/x.json"}), None).is_err());
    }
}
