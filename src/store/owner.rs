//! Whom the files belong to: commands may run as root, the service never does.

use std::{
    fs::File,
    os::unix::fs::{MetadataExt, fchown},
    path::Path,
};

/// Gives a file that root made to the owner of `model`, so that it does not shut the service out.
pub(super) fn hand_over(file: &File, model: &Path) {
    let (Ok(made), Ok(model)) = (file.metadata(), model.metadata()) else {
        return;
    };
    if made.uid() == 0 && model.uid() != 0 {
        // Where even root may not, `doctor` names the file and the remedy.
        let _ = fchown(file, Some(model.uid()), Some(model.gid()));
    }
}
