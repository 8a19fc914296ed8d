//! Files that a plan names: bodies and certificates, which are read whole, and rows, which are not; each up to a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::limits::{BODY_BYTES_MAX, PEM_BYTES_MAX};
use super::reader::{Field, Reader};
use super::tree::quoted;

/// Reads a body from a file in the plan's folder.
///
/// A plan may come from a stranger, and its bodies are sent to a target of the stranger's choice; so no body is taken
/// from elsewhere, not through `..` and not through a link.
pub(super) fn body(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<u8>> {
    beside(reader, field, BODY_BYTES_MAX)
}

/// Reads at most `max` bytes of a file in the plan's folder, as [`body`] does.
fn beside(reader: &mut Reader, field: &Field<'_>, max: u64) -> Option<Vec<u8>> {
    let path = path_beside(reader, field)?;
    contents(reader, field, &path, max)
}

/// Opens a file of at most `max` bytes in the plan's folder, found as [`body`] finds it.
pub(super) fn open_beside(reader: &mut Reader, field: &Field<'_>, max: u64) -> Option<File> {
    let path = path_beside(reader, field)?;
    let opened = check_regular(&path).and_then(|()| File::open(&path));
    match opened.and_then(|file| Ok((file.metadata()?.len(), file))) {
        Ok((bytes, file)) if bytes <= max => Some(file),
        Ok(_) => too_large(reader, field, max),
        Err(error) => unreadable(reader, field, &error),
    }
}

fn path_beside(reader: &mut Reader, field: &Field<'_>) -> Option<PathBuf> {
    let name = reader.text(field)?;
    let name = Path::new(&*name);
    let inside = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let path = reader.base.join(name);
    if !inside || leaves(&reader.base, &path) {
        let mistake = reader.wanted(field, "a file in the plan's folder");
        mistake.help("put the file beside the plan, and name it from there");
        return None;
    }
    Some(path)
}

/// Reads a PEM file that has to contain a section of this kind. It may stand anywhere, as it never reaches a target.
pub(super) fn pem(reader: &mut Reader, field: &Field<'_>, section: &str) -> Option<Vec<u8>> {
    let name = reader.text(field)?;
    let path = reader.base.join(&*name);
    let bytes = contents(reader, field, &path, PEM_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let has_section = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(section));
    if !has_section {
        reader.wrong(field, format!("wanted a PEM file with a {section}, found none in {}", quoted(&name)));
        return None;
    }
    Some(bytes)
}

/// Reads a PEM file of a folder that the plan names.
pub(super) fn pem_at(reader: &mut Reader, field: &Field<'_>, path: &Path) -> Option<String> {
    let found = shown(path);
    match check_regular(path).and_then(|()| read_bounded(path, PEM_BYTES_MAX)) {
        Ok(Some(bytes)) => return Some(String::from_utf8_lossy(&bytes).into_owned()),
        Ok(None) => reader.wrong(field, format!("wanted a file of at most {PEM_BYTES_MAX} bytes, {found} is larger")),
        Err(error) => reader.wrong(field, format!("the file {found} cannot be read: {}", reason(&error))),
    };
    None
}

/// A path in messages.
pub(super) fn shown(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// Reads at most `max` bytes of a file; nothing if there are more. What tells its size is refused before it is read.
pub(super) fn read_bounded(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let meta = std::fs::metadata(path)?;
    if meta.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    if meta.len() > max {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    // The file may have grown since, or be a pipe.
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max).then_some(bytes))
}

/// Reads a file that the plan names.
fn contents(reader: &mut Reader, field: &Field<'_>, path: &Path, max: u64) -> Option<Vec<u8>> {
    match check_regular(path).and_then(|()| read_bounded(path, max)) {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => too_large(reader, field, max),
        Err(error) => unreadable(reader, field, &error),
    }
}

/// A file that the plan names must be a regular one, because a pipe of a stranger's choice may never end.
fn check_regular(path: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(path)?;
    match (meta.is_file(), meta.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err(io::Error::other("it is a folder")),
        _ => Err(io::Error::other("it is not a regular file")),
    }
}

fn too_large<T>(reader: &mut Reader, field: &Field<'_>, max: u64) -> Option<T> {
    reader.wrong(field, format!("wanted a file of at most {max} bytes, {} is larger", field.node.found()));
    None
}

fn unreadable<T>(reader: &mut Reader, field: &Field<'_>, error: &io::Error) -> Option<T> {
    reader.wrong(field, format!("the file {} cannot be read: {}", field.node.found(), reason(error)));
    None
}

/// What went wrong, without the number that the system gives it.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether links lead out of the folder. What does not exist leads nowhere.
fn leaves(base: &Path, path: &Path) -> bool {
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    match (base.canonicalize(), path.canonicalize()) {
        (Ok(base), Ok(path)) => !path.starts_with(base),
        _ => false,
    }
}
