use std::ffi::OsString;

/// The environment variables that configuration looks at, passed in so that
/// nothing reads the process's own behind the caller's back.
pub trait Environment {
    /// The variable's value; `None` where it is not set.
    fn var(&self, name: &str) -> Option<OsString>;

    /// The same, with a variable that is set to nothing taken as not set.
    fn set(&self, name: &str) -> Option<OsString> {
        self.var(name).filter(|value| !value.is_empty())
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}
