//! b24-tidyd
