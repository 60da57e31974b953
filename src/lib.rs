//! b24-tidyd
pub mod bitrix;
pub mod clock;
pub mod store;
