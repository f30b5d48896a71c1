// Views of what is gone: clang warns of each, as kmshsm.hpp has told it.
#include <string>

#include <kmshsm.hpp>

std::string input();
void views();

void views()
{
  kmshsm::bytes bytes = input();                         // dangles
  kmshsm::text text = input();                           // dangles
  auto passphrase = kmshsm::unlock::passphrase(input()); // dangles
  auto key_file = kmshsm::unlock::key_file(input());     // dangles
  auto shares = kmshsm::unlock::shares(input());         // dangles
  std::string kept = input();
  auto unlock = kmshsm::unlock::passphrase(kept);
  kmshsm::store store("keys", kmshsm::unlock::passphrase(input()));
  kmshsm::store::create("keys", unlock);
  static_cast<void>(bytes), static_cast<void>(text);
  static_cast<void>(passphrase), static_cast<void>(key_file);
  static_cast<void>(shares);
}
