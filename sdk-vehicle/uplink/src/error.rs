use std::error::Error;
use std::io;
use std::path::PathBuf;

use object_store::client::{HttpError, HttpErrorKind};

/// Why a clip did not get through. It stays in the spool.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The URL names no store we can use.
    #[error(
        "upload URL {url}: {reason}; expected a folder (a path or file:///folder) or s3://bucket/prefix with AWS_* in \
         the environment"
    )]
    Url {
        /// The URL, without secrets.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The store refused or could not be reached.
    #[error("upload to {url} failed after {attempts} attempt(s): {object}: {reason}")]
    Store {
        /// The store, without secrets.
        url: String,
        /// The object.
        object: String,
        /// How often it was tried.
        attempts: u32,
        /// The store's reason, without secrets.
        reason: String,
        /// Trying later may help.
        is_transient: bool,
    },
    /// Another clip is already there.
    #[error(
        "{url}: {object} exists and describes another clip (sha256 {found} instead of {expected}); two vehicles may share \
         an id, or the spool is a copy. Nothing was overwritten"
    )]
    Conflict {
        /// The store, without secrets.
        url: String,
        /// The manifest's object.
        object: String,
        /// Hash of our clip.
        expected: String,
        /// Hash that the object states.
        found: String,
    },
    /// The spooled file is not what its manifest says.
    #[error("{path}: {reason}: the sealed clip is damaged and was not uploaded")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        reason: String,
    },
    /// The spooled file could not be read.
    #[error("reading {path} failed")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl UplinkError {
    /// Whether this concerns one clip only, so that the next may still get through.
    pub fn is_of_one_clip(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Damaged { .. } | Self::Read { .. })
    }
}

/// Whether trying again can help: the network, an overloaded server, a busy disk. Never a refusal.
pub(crate) fn is_transient(error: &object_store::Error) -> bool {
    if !matches!(error, object_store::Error::Generic { .. }) {
        return false;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return !matches!(http.kind(), HttpErrorKind::Decode);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind as K;
            return matches!(
                io.kind(),
                K::Interrupted | K::TimedOut | K::WouldBlock | K::ResourceBusy | K::StaleNetworkFileHandle
            );
        }
        cause = error.source();
    }
    // The status is private to object_store; its text is not.
    let text = error.to_string();
    match text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)).and_then(|code| code.parse::<u16>().ok())
    {
        Some(code) => code >= 500 || code == 408 || code == 429,
        None => text.contains("SlowDown") || text.contains("InternalError"),
    }
}

/// The whole chain of reasons, each said once, without secrets.
pub(crate) fn describe(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    redact(&text)
}

/// Cuts user information and queries out of every URL in a text, so that it can be shown.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>`)".contains(c)).unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        let (url, query) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
        let host_end = url.find('/').unwrap_or(url.len());
        // The last @ of the whole URL: a password may hold an unescaped @ or /.
        let user_end = url.rfind('@').map(|at| at + 1).filter(|&at| at <= host_end || url[..at].contains(':'));
        out.push_str(&url[user_end.unwrap_or(0)..]);
        if !query.is_empty() {
            out.push_str("?…");
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_out() {
        let cases = [
            ("s3://key:secret@bucket/prefix?token=abc", "s3://bucket/prefix?…"),
            ("PUT http://u:p@h:9000/b/k?X-Amz-Signature=1 - refused", "PUT http://h:9000/b/k?… - refused"),
            ("\"https://u:p/q@h/x\" and s3://b/x", "\"https://h/x\" and s3://b/x"),
            ("file:///srv/a@b/c", "file:///srv/a@b/c"),
            ("no url at all?", "no url at all?"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_password_never_shows(secret in "[a-zA-Z0-9/+=]{12,40}", before in "[ -~]{0,20}") {
            let text = format!("{before} http://user:{secret}@host/path?sig={secret} failed");
            proptest::prop_assert!(!redact(&text).contains(&secret));
        }
    }

    #[test]
    fn refusals_are_not_tried_again() {
        let generic = |source: Box<dyn Error + Send + Sync>| object_store::Error::Generic { store: "S3", source };
        let io = |kind: io::ErrorKind| generic(Box::new(io::Error::from(kind)));
        let cases = [
            (generic("Server returned non-2xx status code: 503 Service Unavailable: ".into()), true),
            (generic("Server returned non-2xx status code: 429 Too Many Requests: ".into()), true),
            (generic("Server returned non-2xx status code: 400 Bad Request: ".into()), false),
            (io(io::ErrorKind::TimedOut), true),
            (io(io::ErrorKind::ReadOnlyFilesystem), false),
            (io(io::ErrorKind::StorageFull), false),
            (object_store::Error::PermissionDenied { path: "x".into(), source: "403".into() }, false),
            (object_store::Error::Unauthenticated { path: "x".into(), source: "401".into() }, false),
        ];
        for (error, expected) in cases {
            assert_eq!(is_transient(&error), expected, "{error}");
        }
    }
}
