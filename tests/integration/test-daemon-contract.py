#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What dbus/ promises is what the running keyturnd says of itself."""
import os
import pathlib
import unittest
import xml.etree.ElementTree as ET

from running import Running
from wire import SIGNAL, MEMBER, PATH
from world import KEYTURN, KEYTURN_PATH

CONTRACT = pathlib.Path(__file__).resolve().parents[2] / 'dbus'
INTEGRATION = 'org.keyturn1.Integration'
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECTS = 'org.freedesktop.DBus.ObjectManager'
CHANGED = 'org.freedesktop.DBus.Property.EmitsChangedSignal'


def members(text, name):
    """Everything that a description says of an interface, as comparable values."""
    interface = ET.fromstring(text).find(f"interface[@name='{name}']")
    found = {}
    for member in interface:
        if member.tag == 'annotation':
            continue
        direction = 'out' if member.tag == 'signal' else 'in'
        arguments = [(a.get('name'), a.get('type'), a.get('direction', direction)) for a in member.iter('arg')]
        changed = [a.get('value') for a in member.iter('annotation') if a.get('name') == CHANGED]
        found[member.tag, member.get('name')] = (arguments, member.get('type'), member.get('access'),
                                                 changed[0] if changed else 'true')
    return found


class Contract(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(Running())
        cls.world.add('crm.prod-1')
        cls.path = cls.world.manager('GetIntegration', 's', 'crm.prod-1')

    def introspect(self, path):
        return self.world.bus.call(KEYTURN, path, 'org.freedesktop.DBus.Introspectable', 'Introspect')

    def compare(self, interface, path):
        promised = members((CONTRACT / f'{interface}.xml').read_text(), interface)
        self.assertEqual(members(self.introspect(path), interface), promised)
        self.assertGreater(len(promised), 15)

    def test_manager_is_as_promised(self):
        self.compare('org.keyturn1.Manager', KEYTURN_PATH)

    def test_integration_is_as_promised(self):
        self.compare(INTEGRATION, self.path)

    def test_introspection_lists_the_integrations(self):
        root = ET.fromstring(self.introspect(f'{KEYTURN_PATH}/integration'))
        self.assertIn(self.path.rsplit('/', 1)[1], [node.get('name') for node in root.iter('node')])

    def test_values_have_their_promised_types(self):
        promised = members((CONTRACT / f'{INTEGRATION}.xml').read_text(), INTEGRATION)
        python = {'s': str, 't': int, 'as': list}
        values = self.world.integration('crm.prod-1')
        self.assertEqual({name for _, name in promised}, set(values))
        for (_, name), (_, kind, _, _) in promised.items():
            self.assertIsInstance(values[name], python[kind], name)
        self.assertEqual(values['Name'], 'crm.prod-1')
        self.assertEqual(values['Permissions'], ['contacts:read'])
        self.assertEqual((values['RotateAfter'], values['Overlap']), (90 * 86400 * 10**6, 2 * 10**6))
        self.assertEqual(values['BaseURL'], f'{self.world.sandbox.url}/v2')
        self.assertEqual(values['HeaderName'], 'X-API-Key')

    def test_manager_tells_of_itself(self):
        get = lambda name: self.world.bus.get(KEYTURN, KEYTURN_PATH, 'org.keyturn1.Manager', name)
        self.assertEqual((get('Mode'), get('KeyringState')), ('user', 'unlocked'))
        self.assertRegex(get('Version'), r'^[0-9]')
        due = [self.world.integration(p)['DueAt'] for p in self.names()]
        self.assertEqual(get('NextRotationAt'), min(due))

    def managed(self):
        return self.world.bus.call(KEYTURN, KEYTURN_PATH, OBJECTS, 'GetManagedObjects')

    def names(self):
        return [interfaces[INTEGRATION]['Name'] for interfaces in self.managed().values()]

    def test_managed_objects_are_the_integrations(self):
        objects = self.managed()
        self.assertEqual(objects[self.path][INTEGRATION], self.world.integration('crm.prod-1'))
        self.assertNotIn('@test', self.names())

    def watch(self, interface):
        return self.enterContext(self.world.watching(interface))

    def test_objects_come_and_go_with_signals(self):
        bus = self.watch(OBJECTS)
        self.world.add('passing', '--no-issue')
        came = bus.next_signal()
        self.world.keyturn('remove', 'passing')
        went = bus.next_signal()
        self.assertEqual((came.fields[MEMBER], went.fields[MEMBER]), ('InterfacesAdded', 'InterfacesRemoved'))
        self.assertEqual(came.fields[PATH], KEYTURN_PATH)
        self.assertEqual(came.body[0], went.body[0])
        self.assertEqual(came.body[1][INTEGRATION]['Name'], 'passing')
        self.assertEqual(went.body[1], [INTEGRATION])
        self.assertNotIn(came.body[0], self.managed())

    def changes_until(self, bus, path, name, wanted):
        """All changes of an object's properties, in one dictionary each, until name has the wanted value."""
        seen = []
        while not seen or seen[-1].get(name) != wanted:
            message = bus.next_signal()
            self.assertEqual((message.kind, message.body[2]), (SIGNAL, []))
            if message.fields[PATH] == path:
                seen.append(message.body[1])
        return seen

    def test_a_fetch_changes_properties(self):
        bus = self.watch(PROPERTIES)
        self.world.fetch('crm.prod-1')
        changed = bus.next_signal()
        self.assertEqual(changed.fields[PATH], self.path)
        self.assertEqual(set(changed.body[1]), {'LastFetchedAt', 'LastFetchedBy'})
        self.assertIn(f'pid {os.getpid()}', changed.body[1]['LastFetchedBy'])
        self.assertEqual(changed.body[1]['LastFetchedAt'], self.world.integration('crm.prod-1')['LastFetchedAt'])

    def test_a_rotation_changes_properties(self):
        self.world.add('turning')
        path = self.world.manager('GetIntegration', 's', 'turning')
        self.world.wait_state('turning', 'idle')
        old, bus = self.world.integration('turning'), self.watch(PROPERTIES)
        self.world.manager('Rotate', 'sa{sv}', 'turning', {})
        states = [c['RotationState'] for c in self.changes_until(bus, path, 'RotationState', 'idle')]
        self.assertEqual([s for i, s in enumerate(states) if s not in states[:i]],
                         ['planned', 'creating', 'stored', 'verified', 'draining', 'deleting', 'deleted', 'idle'])
        new = self.world.integration('turning')
        self.assertEqual(new['Generation'], old['Generation'] + 1)
        self.assertNotEqual((new['KeyId'], new['Last4']), (old['KeyId'], old['Last4']))

    def test_a_rotation_sends_key_changed(self):
        self.world.add('signalling')
        bus = self.watch('org.keyturn1.Manager')
        self.world.wait_state('signalling', 'idle')
        self.world.manager('Rotate', 'sa{sv}', 'signalling', {'Compromised': ('b', True)})
        signal = bus.next_signal()
        while signal.body[0] != 'signalling' or signal.body[1] < 2:
            signal = bus.next_signal()
        self.assertEqual((signal.fields[MEMBER], signal.fields[PATH]), ('KeyChanged', KEYTURN_PATH))
        self.assertEqual(signal.body, ['signalling', 2])


if __name__ == '__main__':
    unittest.main()
