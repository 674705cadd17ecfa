fn main() {
    userhaul_cli::main();
}
