# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-secret-service against a real gnome-keyring on a bus of its own."""
import unittest

from process import confinement, dies_with_its_parent, find_in_memory, may_look
from wire import BusError
from world import COLLECTION, SECRETS, SECRETS_PATH, World, build_root, wait_for

ABSENT = 'org.keyturn1.Error.KeyringAbsent'
LOCKED = 'org.keyturn1.Error.KeyringLocked'
NO_KEY = 'org.keyturn1.Error.NoKey'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
FOREIGN = 'org.example.Password'


def attributes(key_id='key_1', integration='crm', environment='test'):
    return {'integration': integration, 'environment': environment, 'key-id': key_id}


class Case(unittest.TestCase):
    activatable = False

    def setUp(self):
        self.world = self.enterContext(World(self.activatable))
        self.start()
        self.helper = self.world.keyring_helper(20)

    def start(self):
        self.world.start_keyring()

    def store(self, secret='sk_test_abc', label='keyturn: crm (…_abc)', of=None):
        self.helper.call('Store', 'sa{ss}s', label, of or attributes(), secret)

    def load(self, of=None):
        return self.helper.call('Load', 'a{ss}', of or attributes())

    def load_all(self):
        return self.helper.call('LoadAll')

    def erase(self, of=None):
        self.helper.call('Erase', 'a{ss}', of or attributes())

    def check(self, write=False):
        return self.helper.call('Check', 'b', write)

    def assertRefused(self, name, function, *args, **kwargs):
        with self.assertRaises(BusError) as caught:
            function(*args, **kwargs)
        self.assertEqual(caught.exception.name, name, caught.exception.text)
        self.assertNotIn('sk_test_', caught.exception.text)

    def assertEverythingRefused(self, name):
        self.assertRefused(name, self.store)
        self.assertRefused(name, self.load)
        self.assertRefused(name, self.load_all)
        self.assertRefused(name, self.erase)


class Keys(Case):
    def test_round_trip(self):
        self.assertRefused(NO_KEY, self.load)
        self.store('sk_test_abc', 'keyturn: crm (…_abc)')
        self.assertEqual(self.load(), 'sk_test_abc')
        self.assertEqual(self.world.items(), [('keyturn: crm (…_abc)', attributes(), b'sk_test_abc')])
        self.store('sk_test_xyz', 'keyturn: crm (…_xyz)')
        self.assertEqual(self.world.items(), [('keyturn: crm (…_xyz)', attributes(), b'sk_test_xyz')])
        self.store('sk_test_two', 'keyturn: crm (…_two)', attributes('key_2'))
        self.assertEqual((self.load(), self.load(attributes('key_2'))), ('sk_test_xyz', 'sk_test_two'))
        self.erase()
        self.erase()
        self.assertRefused(NO_KEY, self.load)
        self.assertEqual(self.load(attributes('key_2')), 'sk_test_two')

    def test_management_key(self):
        self.store('sk_live_m', 'keyturn: management key', {'management': 'live'})
        self.assertEqual(self.load({'management': 'live'}), 'sk_live_m')
        self.assertRefused(NO_KEY, self.load, {'management': 'test'})

    def test_survives_a_new_helper(self):
        self.store()
        self.assertEqual(self.helper.close(), 0)
        self.helper = self.world.keyring_helper(20)
        self.assertEqual(self.load(), 'sk_test_abc')

    def test_exact_attributes_only(self):
        more = self.world.add_item('more', attributes() | {'extra': 'x'}, b'sk_test_more')
        self.assertTrue(more)
        self.assertRefused(NO_KEY, self.load)
        self.store('sk_test_exact')
        self.assertEqual(self.load(), 'sk_test_exact')
        self.erase()
        self.assertEqual([secret for _, _, secret in self.world.items()], [b'sk_test_more'])
        for odd in ({}, {'integration': 'crm'}, attributes() | {'extra': 'x'}, attributes() | {'management': 'test'},
                    attributes(''), attributes('a\nb'), {'management': ''}, attributes('x' * 300)):
            self.assertRefused(INVALID_ARGS, self.load, odd or {'other': 'a'})
            self.assertRefused(INVALID_ARGS, self.store, of=odd or {'other': 'a'})
            self.assertRefused(INVALID_ARGS, self.erase, odd or {'other': 'a'})

    def test_twins_become_one(self):
        for secret in b'sk_test_1', b'sk_test_2':
            self.world.add_item(secret.decode(), attributes(), secret)
        self.assertEqual(len(self.world.items()), 2)
        self.store('sk_test_3')
        self.assertEqual([secret for _, _, secret in self.world.items()], [b'sk_test_3'])

    def test_load_all(self):
        self.assertEqual(self.load_all(), [])
        expected = {}
        for i in range(40):
            expected[f'key_{i}'] = f'sk_test_{i}'
            self.store(f'sk_test_{i}', of=attributes(f'key_{i}'))
        self.store('sk_test_m', of={'management': 'test'})
        for odd in {'other': 'a'}, attributes('key_x') | {'extra': 'x'}:
            self.world.add_item('odd', odd, b'sk_test_odd')
        self.world.add_item('damaged', attributes('key_y'), b'\xff\xfe')
        found = self.load_all()
        self.assertEqual({a['key-id']: secret for a, secret in found if 'key-id' in a}, expected)
        self.assertIn(({'management': 'test'}, 'sk_test_m'), found)
        self.assertEqual(len(found), 41)

    def test_unsound_secrets_and_labels(self):
        for secret in '', 'a\nb', 'a\r', 'sk_test_\n', 'x' * 513:
            self.assertRefused(INVALID_ARGS, self.store, secret)
        for label in '', 'a\nb', 'x' * 257:
            self.assertRefused(INVALID_ARGS, self.store, label=label)
        self.assertEqual(self.world.items(), [])
        self.store('x' * 512)
        self.assertEqual(self.load(), 'x' * 512)

    def test_nul(self):
        with self.assertRaises((BusError, EOFError, ConnectionError)):
            self.store('sk_test_a\0b')
        self.assertEqual(self.world.items(), [])

    def test_foreign_items(self):
        self.world.add_item('mail', {'user': 'me'}, b'hunter2', FOREIGN)
        self.world.add_item('lookalike', attributes(), b'hunter3', FOREIGN)
        foreign = self.world.items(FOREIGN)
        self.assertEqual(len(foreign), 2)
        self.assertRefused(NO_KEY, self.load)
        self.erase()
        self.store()
        self.assertEqual(self.check(True), 'unlocked')
        self.assertEqual(self.load_all(), [(attributes(), 'sk_test_abc')])
        self.erase()
        self.assertEqual(self.world.items(FOREIGN), foreign)

    def test_other_collections(self):
        path = self.world.bus.call(SECRETS, SECRETS_PATH, 'org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface',
                                   'CreateWithMasterPassword', 'a{sv}(oayays)',
                                   {f'{COLLECTION}.Label': ('s', 'other')},
                                   (self.world.plain_session(), b'', b'another password', 'text/plain'))
        self.world.add_item('elsewhere', attributes(), b'sk_test_elsewhere', collection=path)
        self.assertRefused(NO_KEY, self.load)
        self.assertEqual(self.load_all(), [])
        self.erase()
        self.store()
        self.assertEqual(self.load(), 'sk_test_abc')
        self.erase()
        self.assertEqual([label for label, _, _ in self.world.items()], ['elsewhere'])


class States(Case):
    def test_check(self):
        self.store()
        self.assertEqual(self.check(), 'unlocked')
        before = self.world.items()
        for _ in range(3):
            self.assertEqual(self.check(True), 'unlocked')
        self.assertEqual(self.world.items(), before)

    def test_check_that_was_cut_off(self):
        self.world.add_item('left over', {'management': 'check'}, b'half')
        self.assertEqual(self.load_all(), [])
        self.assertEqual(self.check(True), 'unlocked')
        self.assertEqual(self.world.items(), [])

    def test_locked(self):
        self.store()
        self.world.lock_keyring()
        self.assertEverythingRefused(LOCKED)
        self.assertEqual((self.check(), self.check(True)), ('locked', 'locked'))
        self.world.unlock_keyring()
        self.assertEqual((self.load(), self.check(True)), ('sk_test_abc', 'unlocked'))

    def test_locked_from_the_start(self):
        self.world.lock_keyring()
        self.assertEqual(self.check(), 'locked')
        self.assertEverythingRefused(LOCKED)

    def test_no_collection(self):
        self.world.delete_collection()
        self.assertEqual(self.world.collection(), '/')
        self.assertEverythingRefused(ABSENT)
        self.assertEqual((self.check(), self.check(True)), ('absent', 'absent'))

    def test_collection_goes_away(self):
        self.store()
        self.world.delete_collection()
        self.assertEverythingRefused(ABSENT)

    def test_restarted_between_calls(self):
        self.store()
        for _ in range(3):
            self.world.restart_keyring()
            self.assertEqual(self.load(), 'sk_test_abc')
        self.world.restart_keyring()
        self.store('sk_test_new')
        self.world.restart_keyring()
        self.assertEqual(self.load_all(), [(attributes(), 'sk_test_new')])
        self.world.restart_keyring()
        self.assertEqual(self.check(True), 'unlocked')
        self.world.restart_keyring()
        self.erase()
        self.assertRefused(NO_KEY, self.load)

    def test_gone_and_back(self):
        self.store()
        self.world.kill_keyring()
        self.assertEverythingRefused(ABSENT)
        self.assertEqual(self.check(), 'absent')
        self.world.start_keyring()
        self.assertEqual(self.load(), 'sk_test_abc')

    def test_bus_restarted(self):
        self.store()
        self.world.kill_keyring()
        self.world.restart_bus()
        self.assertEverythingRefused(ABSENT)
        self.world.start_keyring()
        self.assertEqual(self.load(), 'sk_test_abc')


class NoService(Case):
    def start(self):
        pass

    def test_absent(self):
        self.assertEqual((self.check(), self.check(True)), ('absent', 'absent'))
        self.assertEverythingRefused(ABSENT)


class Activatable(Case):
    """The bus could start a keyring, which would be locked and have no collection: nobody gives it a password."""
    activatable = True

    def start(self):
        pass

    def test_looking_does_not_start_it(self):
        self.assertEqual(self.check(), 'unlocked')
        self.assertFalse(self.world.owned(SECRETS))

    def test_never_prompts(self):
        with self.assertRaises(BusError) as caught:
            self.store()
        self.assertIn(caught.exception.name, (ABSENT, LOCKED))
        self.assertIn(self.check(True), ('absent', 'locked'))


class Life(Case):
    def test_confined(self):
        self.store()
        self.assertEqual(confinement(self.helper.process.pid),
                         {'Name': 'keyturn-secret-', 'Seccomp': '2', 'NoNewPrivs': '1'})

    def test_ends_with_the_connection(self):
        self.store()
        self.assertEqual(self.helper.close(), 0)

    def test_dies_with_its_parent(self):
        self.assertTrue(dies_with_its_parent(build_root() / 'daemon' / 'keyturn-secret-service', self.world.env))

    def test_memory_is_erased(self):
        pid = self.helper.process.pid
        if not may_look(pid):
            self.skipTest('this memory is not to be seen')
        secret = 'sk_test_Vq8ZtN5rKx1WuBy6HjEo4CgSm7Dp9xyz'
        self.store(secret)
        self.assertEqual((self.load(), len(self.load_all())), (secret, 1))
        self.assertEqual(self.check(), 'unlocked')
        self.assertTrue(find_in_memory(pid, b'keyturn'))
        for part in secret[12:24], secret[-12:]:
            self.assertEqual(find_in_memory(pid, part.encode()), [])

    def test_sessions_are_encrypted(self):
        """What the helper says on the bus never holds a secret in the clear."""
        path = self.world.root / 'log' / 'monitor'
        self.world.spawn('monitor', ['dbus-monitor', '--address', self.world.address, '--binary'])
        self.say_until_heard('org.keyturn1.begin', path)
        self.store('sk_test_plainly_visible')
        self.assertEqual(self.load(), 'sk_test_plainly_visible')
        self.say_until_heard('org.keyturn1.end', path)
        heard = path.read_bytes()
        self.assertIn(b'CreateItem', heard)
        self.assertNotIn(b'plainly_visible', heard)

    def say_until_heard(self, word, path):
        def heard():
            self.world.owned(word)
            return path.exists() and word.encode() in path.read_bytes()

        wait_for(heard, what='the monitor')


if __name__ == '__main__':
    unittest.main()
