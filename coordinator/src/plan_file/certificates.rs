//! Client certificates of users: a folder of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use muster_proto::plan::{ClientCert, PLAN_BYTES_MAX, USER_CERTS_MAX};

use super::files;
use super::reader::{Field, Reader};

/// The most entries of a folder that are looked at: certificates, their keys, and some others.
const ENTRIES_MAX: usize = 4 * USER_CERTS_MAX;

/// Reads the certificates of a folder, in the order of their names. It may be anywhere, as no key reaches a target.
pub(super) fn of_users(reader: &mut Reader, field: &Field<'_>) -> Option<Vec<ClientCert>> {
    let name = reader.text(field)?;
    let folder = reader.base.join(&*name);
    let paths = match listed(&folder) {
        Ok(paths) => paths,
        Err(error) => {
            let found = field.node.found();
            reader.wrong(field, format!("the folder {found} cannot be read: {}", files::reason(&error)));
            return None;
        }
    };
    if paths.is_empty() || paths.len() > USER_CERTS_MAX {
        let wanted = format!("a folder of 1 to {USER_CERTS_MAX} certificates (`.pem` or `.crt`)");
        let found = if paths.is_empty() { "none".to_owned() } else { paths.len().to_string() };
        reader.wrong(field, format!("wanted {wanted}, found {found} in {}", field.node.found()));
        return None;
    }
    let mut certificates = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let certificate = one(reader, field, &path)?;
        bytes += certificate.cert_pem.len() + certificate.key_pem.len();
        if bytes > PLAN_BYTES_MAX {
            let what = format!("wanted certificates of at most {PLAN_BYTES_MAX} bytes together, found more");
            reader.wrong(field, what);
            return None;
        }
        certificates.push(certificate);
    }
    Some(certificates)
}

/// The certificates of a folder.
fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (place, entry) in fs::read_dir(folder)?.enumerate() {
        if place >= ENTRIES_MAX {
            return Err(std::io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == OsStr::new("pem") || kind == OsStr::new("crt")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A certificate, and its key, which may stand in a file of its own.
fn one(reader: &mut Reader, field: &Field<'_>, path: &Path) -> Option<ClientCert> {
    let text = files::pem_at(reader, field, path)?;
    let cert_pem = sections(&text, "CERTIFICATE");
    let key_pem = match sections(&text, "PRIVATE KEY") {
        key if key.is_empty() => sections(&files::pem_at(reader, field, &path.with_extension("key"))?, "PRIVATE KEY"),
        key => key,
    };
    for (section, found) in [("CERTIFICATE", &cert_pem), ("PRIVATE KEY", &key_pem)] {
        if found.is_empty() {
            reader.wrong(field, format!("wanted a PEM file with a {section}, found none in {}", files::shown(path)));
            return None;
        }
    }
    Some(ClientCert { cert_pem: cert_pem.into_bytes(), key_pem: key_pem.into_bytes() })
}

/// The sections of a PEM file that are of this kind, without the others.
fn sections(text: &str, kind: &str) -> String {
    let mut within = false;
    let mut out = String::new();
    for line in text.lines() {
        within |= line.starts_with("-----BEGIN ") && line.contains(kind);
        if within {
            out.push_str(line);
            out.push('\n');
        }
        within &= !line.starts_with("-----END ");
    }
    out
}
