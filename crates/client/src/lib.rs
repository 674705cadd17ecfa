//! HTTP: transport, signing, throttle, retry.
