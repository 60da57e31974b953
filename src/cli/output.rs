//! Standard output that may be closed.

use super::exit::Exit;

/// What came out counts, whatever became of the words about it: nobody may be reading them any more.
pub(super) fn told(exit: Exit, written: std::io::Result<()>) -> anyhow::Result<Exit> {
    match written {
        Err(error) if exit != Exit::Done => {
            tracing::warn!(%error, "standard output cannot be written");
        }
        written => written?,
    }
    Ok(exit)
}

pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
            .or_else(|| cause.downcast_ref::<serde_json::Error>()?.io_error_kind());
        kind == Some(std::io::ErrorKind::BrokenPipe)
    })
}
