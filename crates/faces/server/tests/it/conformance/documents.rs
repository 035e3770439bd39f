//! The published and derived API documents: every operation with its statuses, schemas and examples.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use http::Method;
use serde_json::{Value, json};

/// All documents, by their path below the folder: `Microsoft.X/2024-01-01/x.json`.
pub(crate) struct Documents {
    folder: PathBuf,
    pub(crate) files: BTreeMap<String, Value>,
}

/// One operation of one document.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) file: String,
    pub(crate) version: String,
    pub(crate) method: Method,
    /// The path with its placeholders.
    pub(crate) path: String,
    /// Schemas by status, `default` included.
    pub(crate) responses: BTreeMap<String, Value>,
    /// The parameters, references followed.
    pub(crate) parameters: Vec<Value>,
    /// The files of its examples.
    pub(crate) examples: Vec<String>,
}

const METHODS: [&str; 6] = ["get", "put", "post", "patch", "delete", "head"];

impl Documents {
    /// The documents in the shared folder: the one `NAVE_SHARED` names, else the one beside the checkout. `None`, and a
    /// word about it, where there is neither.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
    pub(crate) fn load() -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
        let shared = env::var_os("NAVE_SHARED").map_or(beside, PathBuf::from);
        let folder = shared.join("specs");
        if !folder.is_dir() {
            println!("skipped: there are no API documents at {}", folder.display());
            return None;
        }
        let mut files = BTreeMap::new();
        for path in json_files(&folder) {
            let name = path
                .strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            let served = name.starts_with("Microsoft.")
                || name.starts_with("common-types/")
                || name.starts_with("misc/");
            if served && !name.contains("/examples/") && !name.contains("bicep-types") {
                files.insert(name, read(&path));
            }
        }
        Some(Self { folder, files })
    }

    /// Every operation of every document.
    pub(crate) fn operations(&self) -> Vec<Published> {
        let documents = self.files.iter();
        let operations = documents.flat_map(|(file, document)| {
            ["paths", "x-ms-paths"].into_iter().flat_map(move |kind| {
                let paths = document[kind].as_object().into_iter().flatten();
                paths.flat_map(move |(path, item)| {
                    METHODS
                        .into_iter()
                        .filter_map(move |method| self.operation(file, path, item, method))
                })
            })
        });
        operations.collect()
    }

    fn operation(&self, file: &str, path: &str, item: &Value, method: &str) -> Option<Published> {
        let operation = item.get(method)?;
        let folder = file.split('/').nth(1)?;
        let own = [&item["parameters"], &operation["parameters"]];
        let parameters = own.into_iter().filter_map(Value::as_array).flatten();
        let responses = operation["responses"].as_object()?.iter();
        let is_list = file.contains("/derived-") && operation["x-ms-pageable"] == true;
        let responses = responses.map(|(status, response)| {
            let (_, response) = self.follow(file, response);
            let schema = response["schema"].clone();
            (status.clone(), if is_list { list_of(schema) } else { schema })
        });
        let examples = operation["x-ms-examples"].as_object().into_iter().flatten();
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        Some(Published {
            file: file.to_owned(),
            version: operation["x-api-version"].as_str().unwrap_or(folder).to_owned(),
            method: method.to_uppercase().parse().ok()?,
            path: path.to_owned(),
            responses: responses.collect(),
            parameters: parameters.map(|one| self.follow(file, one).1.clone()).collect(),
            examples: examples
                .filter_map(|(_, example)| Some(beside(file, example["$ref"].as_str()?)))
                .collect(),
        })
    }

    /// What a reference of a file leads to, and the file that is in.
    pub(crate) fn follow<'a>(&'a self, file: &str, value: &'a Value) -> (String, &'a Value) {
        match value["$ref"].as_str() {
            Some(reference) => {
                let (file, pointer) = target(file, reference);
                let found = self.files[&file]
                    .pointer(&pointer)
                    .expect("a reference that leads somewhere");
                self.follow(&file, found)
            }
            None => (file.to_owned(), value),
        }
    }

    /// An example: its parameters and its answers.
    pub(crate) fn example(&self, file: &str) -> Value {
        read(&self.folder.join(file))
    }
}

/// Derived documents give the schema of one item of a list.
fn list_of(item: Value) -> Value {
    json!({ "type": "object", "required": ["value"], "properties": { "value": { "type": "array", "items": item } } })
}

/// The file and the pointer that a reference of a file leads to.
pub(crate) fn target(file: &str, reference: &str) -> (String, String) {
    match reference.split_once('#') {
        Some(("", pointer)) => (file.to_owned(), pointer.to_owned()),
        Some((other, pointer)) => (beside(file, other), pointer.to_owned()),
        None => (beside(file, reference), String::new()),
    }
}

fn beside(file: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => json_files(&path),
        false => vec![path],
    });
    found
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
