# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power goes out in the middle of rotations; what is left at HueChat once they have gone on."""
import unittest

import guest
from guest import PLACE, fetched_by, fetcher, integration, keyturn, show, systemctl, wait_for

# Which names stand at what when the power goes.
DRAINING, CREATING = 'crm', 'shop'


def alive(sandbox, name):
    """Keys of an integration that HueChat has."""
    return [k for k in sandbox.keys(deleted_at=None) if k['name'].startswith(f'{name} ')]


class Before(unittest.TestCase):
    """The boot ends as by a power cut: no unit is stopped."""

    def test_rotations_begin(self):
        guest.enable()
        guest.add_user('alice')
        sandbox = guest.start_sandbox()
        guest.use_sandbox(sandbox)
        guest.log_in(sandbox)
        for name in (DRAINING, CREATING):
            guest.add(name, '--allow', 'user:alice', '--rotate-after', '1h', '--overlap', '5s')
        fetcher('crm.service', DRAINING, User='alice')
        fetcher('shop.service', CREATING, User='alice')
        fetched_by('crm.service')
        (PLACE / 'shop-key').write_text(fetched_by('shop.service')['key'])
        keyturn('rotate', DRAINING)
        wait_for(lambda: integration(DRAINING)['RotationState'] == 'draining', what='the swap')
        sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 8})
        keyturn('rotate', CREATING)
        wait_for(lambda: integration(CREATING)['RotationState'] == 'creating', what='a request under way')


class After(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = guest.start_sandbox()
        guest.add_user('alice')
        guest.wait_for_keyring(timeout=30)

    def test_1_all_is_there(self):
        self.assertEqual(show('keyturnd', 'UnitFileState'), 'enabled')
        fetcher('shop.service', CREATING, User='alice')
        self.assertIn('key', fetched_by('shop.service'))
        systemctl('stop', 'shop.service')

    def test_2_rotations_go_on(self):
        """The holders of the old keys ended with the boot; each integration is left with one key, and that is right."""
        for name in (DRAINING, CREATING):
            wait_for(lambda: integration(name)['RotationState'] == 'idle', 45, f'the end of the rotation of {name}')
            keys = alive(self.sandbox, name)
            self.assertEqual([k['last4'] for k in keys], [integration(name)['Last4']])
            self.assertEqual(integration(name)['Generation'], 2)
        fetcher('crm.service', DRAINING, User='alice')
        key = fetched_by('crm.service')['key']
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=key).status, 200)
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=(PLACE / 'shop-key').read_text()).status, 401)


if __name__ == '__main__':
    guest.main(Before, After)
