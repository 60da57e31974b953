//! A strict stand-in for Bitrix24.
