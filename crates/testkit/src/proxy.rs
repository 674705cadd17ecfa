//! Later in this series: faults on a socket.
