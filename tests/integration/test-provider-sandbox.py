# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd's view of HueChat: io/provider, keyturn-huechat and the sandbox, all of them real."""
import os
import signal
import time
import unittest

from driver import Driver
from world import World, build_root, wait_for


class ProviderTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.sandbox = self.world.start_sandbox()
        self.driver = self.start(self.sandbox.management_key())

    def start(self, key):
        driver = Driver(self.world, 'drive-provider', build_root() / 'daemon' / 'keyturn-huechat',
                        f'{self.sandbox.url}/v2')
        self.addCleanup(driver.end)
        driver.command(key)
        return driver

    def outcome(self, driver=None, timeout=20):
        """The next outcome as a dictionary."""
        head, message = (driver or self.driver).next(timeout).split(' message=')
        return dict(word.split('=', 1) for word in head.split(' ')) | {'message': message}

    def ask(self, command, driver=None):
        (driver or self.driver).command(command)
        return self.outcome(driver)

    def create(self, name):
        self.driver.ask(f'create {name}', 'sending')
        return self.outcome()

    def test_a_life(self):
        made = self.create('crm [kt 7f3a9c21.1]')
        self.assertEqual((made['status'], made['complete'], made['date']), ('201', '1', '1'))
        self.assertEqual(self.sandbox.keys(id=made['id'])[0]['name'], 'crm [kt 7f3a9c21.1]')
        self.assertEqual(self.ask(f'get {made["id"]}')['id'], made['id'])
        key = self.start(made['secret'])
        self.assertEqual(self.ask('probe', key)['status'], '200')
        self.assertEqual(self.ask(f'delete {made["id"]}')['status'], '204')
        self.assertEqual(self.ask(f'get {made["id"]}')['status'], '404')
        gone = self.ask('probe', key)
        self.assertEqual((gone['status'], gone['complete'], gone['error']), ('401', '1', 'unauthorized'))

    def test_a_long_list(self):
        before = len(self.sandbox.keys(deleted_at=None, type='test'))
        for i in range(230):
            self.sandbox.create_key(f'key {i}')
        told = self.ask('list')
        self.assertEqual((told['counts'], told['keys']), ('1', str(before + 230)))
        self.assertEqual(len(self.sandbox.requests('GET', '/v2/api-keys')), 3)
        for fault in ('list-total-changes', 'list-duplicate', 'list-drops-one'):
            self.sandbox.set_faults({'call': 'list', 'fault': fault, 'count': 0})
            self.assertEqual(self.ask('list')['counts'], '0', fault)
        self.sandbox.set_faults({'call': 'list', 'fault': 'endless-list', 'count': 0})
        self.assertEqual(self.ask('list')['counts'], '0')
        self.assertLessEqual(len(self.sandbox.requests('GET', '/v2/api-keys')), 3 + 3 * 3 + 50)

    def test_unknown_outcomes(self):
        for fault in ('lose-reply', 'cut-body', 'html-200', 'broken-json', 'missing-fields', 'reset', 'commit-late'):
            self.sandbox.set_faults({'call': 'create', 'fault': fault})
            told = self.create('crm')
            self.assertEqual((told['sent'], told['complete'], told['secret']), ('1', '0', ''), fault)

    def test_the_helper_dies_in_mid_call(self):
        self.sandbox.set_faults({'call': 'create', 'fault': 'slow', 'seconds': 1})
        self.driver.ask('create crm', 'sending')
        helper = wait_for(self.driver.helpers, what='a helper')[0]
        wait_for(lambda: self.sandbox.requests('POST', '/v2/api-keys'), what='the request')
        os.kill(helper, signal.SIGKILL)
        told = self.outcome()
        self.assertEqual((told['sent'], told['status'], told['complete']), ('1', '0', '0'))
        self.assertEqual(told['message'], 'keyturn-huechat died in mid-call')
        self.assertEqual(self.ask('list')['counts'], '1')

    def test_a_429_is_waited_for(self):
        self.sandbox.set_faults({'call': 'get', 'fault': 'rate-limit-header', 'seconds': 2})
        self.assertEqual(self.ask('get key_none')['status'], '429')
        start = time.monotonic()
        self.assertEqual(self.ask('list')['status'], '200')
        self.assertGreaterEqual(time.monotonic() - start, 1)

    def test_nobody_there(self):
        self.world.kill(self.sandbox.process)
        told = self.ask('list')
        self.assertEqual((told['sent'], told['status']), ('0', '0'))


if __name__ == '__main__':
    unittest.main()
