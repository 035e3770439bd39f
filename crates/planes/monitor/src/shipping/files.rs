//! Files, laid out as Azure lays out the logs in a storage account: `insights-logs-{category}/resourceId=/{id}/y=…/PT1H.json`,
//! one record a line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::record::Record;

/// What a file name may hold besides letters and digits.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'(')
    .remove(b')')
    .remove(b'@');

/// A name as a part of a path. No name leads out of its folder.
pub(crate) fn component(name: &str) -> String {
    if name.chars().all(|c| c == '.') {
        return name.replace('.', "%2E");
    }
    utf8_percent_encode(name, KEPT).to_string()
}

/// The folders and the file of a record.
pub(crate) fn path(record: &Record) -> Vec<String> {
    let at = TimeZone::UTC.to_datetime(record.event.at);
    let mut path = vec![
        format!("insights-logs-{}", record.category.to_lowercase()),
        String::from("resourceId="),
    ];
    let parts = record.event.resource.split('/').filter(|part| !part.is_empty());
    path.extend(parts.map(|part| component(&part.to_uppercase())));
    path.extend([
        format!("y={:04}", at.year()),
        format!("m={:02}", at.month()),
        format!("d={:02}", at.day()),
        format!("h={:02}", at.hour()),
        String::from("m=00"),
        String::from("PT1H.json"),
    ]);
    path
}

/// Appends lines to a file, and waits until they are on the disk. A line that an earlier attempt left unfinished goes.
pub(crate) fn append(path: &Path, lines: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    let whole = end_of_last_line(&mut file)?;
    file.set_len(whole)?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()
}

/// How long a file is up to the end of its last whole line.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut piece = vec![0; usize::try_from(end - start).unwrap_or_default()];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (name, expected) in [
            ("hub", "hub"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("a/../b", "a%2F..%2Fb"),
            ("ü", "%C3%BC"),
            ("a b", "a%20b"),
        ] {
            assert_eq!(component(name), expected);
        }
    }

    #[test]
    fn an_unfinished_line_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("PT1H.json");
        append(&path, "{\"one\":1}\n").unwrap();
        let torn = format!("{}{{\"two", fs::read_to_string(&path).unwrap());
        fs::write(&path, torn).unwrap();
        append(&path, "{\"two\":2}\n{\"three\":3}\n").unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines, "{\"one\":1}\n{\"two\":2}\n{\"three\":3}\n");
        let only_torn = folder.path().join("b.json");
        fs::write(&only_torn, "x".repeat(100_000)).unwrap();
        append(&only_torn, "{}\n").unwrap();
        assert_eq!(fs::read_to_string(&only_torn).unwrap(), "{}\n");
    }
}
