# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose files are believed: root's, in a folder of root's. What the account keyturn writes sets no unit in motion, and
leads no command of root's anywhere."""
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import unittest

import guest
from guest import INTEGRATIONS, PLACE, BusError, integration, journal, keyturn, manager, run, show, systemctl, wait_for

OWN = pathlib.Path('/var/lib/keyturn/integrations')
ACCOUNT = 'keyturn'
STARTED = PLACE / 'started'
SECRET = pathlib.Path('/root/secret.conf')
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
TEXT = '[Integration]\nEnvironment=test\nAccess=custom\nPermissions=contacts:read\nManagement=api\n'
PLANTED = TEXT + 'StartUnits=backup.service\n'


def as_keyturn(*arguments, **options):
    """What a broken-into keyturnd could do."""
    return run(*arguments, user=ACCOUNT, check=False, **options)


def plant(path, text):
    as_keyturn('mkdir', '-p', path.parent)
    return as_keyturn('tee', path, stdin=text)


def plant_link(path, target):
    as_keyturn('mkdir', '-p', path.parent)
    return as_keyturn('ln', '-sfn', target, path)


def give_away(folder):
    """As it was before the folder became root's."""
    account = pwd.getpwnam(ACCOUNT)
    os.chown(folder, account.pw_uid, account.pw_gid)


def names():
    return [one['name'] for one in json.loads(keyturn('--json', 'list').stdout)]


def keys(sandbox, name):
    return [k for k in sandbox.keys(deleted_at=None) if k['name'].startswith(name)]


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.write_unit('backup.service', f'[Service]\nType=oneshot\nExecStart=/bin/touch {STARTED}\n')
        SECRET.write_text(TEXT + '# the word is hunter2\n')
        SECRET.chmod(0o600)
        cls.owner = INTEGRATIONS.stat().st_uid, INTEGRATIONS.stat().st_gid

    def setUp(self):
        STARTED.unlink(missing_ok=True)
        self.addCleanup(self.tidy)

    def tidy(self):
        for folder in (INTEGRATIONS, OWN):
            for path in folder.glob('*') if folder.exists() else ():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        os.chown(INTEGRATIONS, *self.owner)
        systemctl('start', 'keyturnd')
        keyturn('reload', check=False)
        for name in names():
            wait_for(lambda: keyturn('remove', name, check=False).returncode == 0, 30, f'{name} to go')

    def assertStartsNothing(self):
        self.assertNotEqual(as_keyturn('systemctl', '--no-ask-password', 'start', 'backup.service').returncode, 0)
        self.assertFalse(STARTED.exists())

    def add(self, name, *options, **more):
        return guest.add(name, *options, **more)

    def add_to_the_end(self, name):
        """Until its unit has run: polkit looks into the file on the way."""
        self.add(name, '--start', 'backup.service')
        wait_for(STARTED.exists, 30, 'the unit')

    def edit(self, name, editor, **options):
        return keyturn('edit', name, env={'VISUAL': editor}, **options)

    # What uid keyturn could do

    def test_folders_are_roots(self):
        for folder in (INTEGRATIONS.parent, INTEGRATIONS):
            status = folder.stat()
            self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (0, 0, 0o755), folder)
        self.assertNotEqual(plant(INTEGRATIONS / 'zz.conf', PLANTED).returncode, 0)
        self.assertNotIn(str(INTEGRATIONS), show('keyturnd', 'ReadWritePaths'))

    def test_a_planted_file_starts_no_unit(self):
        plant(INTEGRATIONS / 'zz.conf', PLANTED)
        plant(OWN / 'zz.conf', PLANTED)
        self.assertStartsNothing()

    def test_a_file_that_is_not_roots_starts_no_unit(self):
        """Nor a link that is."""
        path = INTEGRATIONS / 'zz.conf'
        path.write_text(PLANTED)
        shutil.chown(path, ACCOUNT, ACCOUNT)
        self.assertStartsNothing()
        path.unlink()
        plant(OWN / 'target', PLANTED)
        path.symlink_to(OWN / 'target')
        self.assertStartsNothing()

    def test_a_folder_that_is_not_roots_starts_no_unit(self):
        (INTEGRATIONS / 'zz.conf').write_text(PLANTED)
        self.assertEqual(as_keyturn('systemctl', '--no-ask-password', 'start', 'backup.service').returncode, 0)
        STARTED.unlink()
        give_away(INTEGRATIONS)
        self.assertStartsNothing()

    def test_keyturnd_asks_for_no_unit_of_its_own_files(self):
        self.add('crm')
        plant(OWN / 'crm.conf', PLANTED + 'RotateAfter=1h\nOverlap=1s\n')
        keyturn('reload')
        self.assertIn('StartUnits=backup.service', integration('crm')['Attention'])
        self.assertIn('keyturn --system edit crm', integration('crm')['Attention'])
        before = integration('crm')['Generation']
        wait_for(lambda: integration('crm')['RotationState'] == 'idle', 30, 'the end of the first rotation')
        keyturn('rotate', 'crm')
        wait_for(lambda: integration('crm')['Generation'] == before + 1, what='the swap')
        self.assertFalse(STARTED.exists())
        self.assertNotIn('polkit does not let', integration('crm')['Attention'])

    def assertNoSecret(self):
        found = as_keyturn('grep', '-rl', 'hunter2', '/etc/keyturn', '/var/lib/keyturn').stdout.split()
        self.assertEqual(found, [])
        self.assertEqual(SECRET.stat().st_mode & 0o777, 0o600)
        self.assertIn('hunter2', SECRET.read_text())

    def test_edit_follows_no_link(self):
        """Wherever one is planted, and also while the folder is still the account's."""
        self.add('crm')
        give_away(INTEGRATIONS)
        for folder in (INTEGRATIONS, OWN):
            for name in ('crm.conf.edit', 'crm.conf'):
                plant_link(folder / name, SECRET)
                self.edit('crm', 'true', check=False)
                self.edit('crm', 'sed -i s/^RotateAfter=.*/RotateAfter=60d/', check=False)
                self.assertNoSecret()
        os.chown(INTEGRATIONS, 0, 0)
        self.edit('crm', 'sed -i s/^RotateAfter=.*/RotateAfter=60d/', check=False)
        self.assertNoSecret()

    def test_remove_and_add_follow_no_link(self):
        SECRET.with_name('folder').mkdir(exist_ok=True)
        give_away(INTEGRATIONS)
        for name in ('crm.conf', 'crm.conf.removed', 'crm.conf.new'):
            plant_link(INTEGRATIONS / name, SECRET)
        self.add('crm', '--start', 'backup.service', check=False)
        keyturn('remove', 'crm', check=False)
        self.assertNoSecret()

    # Over the bus

    def test_units_are_refused_over_the_bus(self):
        settings = {'Environment': ('s', 'test'), 'Access': ('s', 'full'), 'StartUnits': ('as', ['backup.service'])}
        with self.assertRaises(BusError) as caught:
            manager('AddIntegration', 'sa{sv}', 'crm', settings)
        self.assertEqual(caught.exception.name, DENIED)
        self.assertIn('as root', caught.exception.text)
        self.assertEqual(names(), [])
        self.assertEqual(list(OWN.glob('*.conf')) if OWN.exists() else [], [])

    def test_roots_file_is_not_removed_over_the_bus(self):
        (INTEGRATIONS / 'crm.conf').write_text(TEXT)
        keyturn('reload')
        with self.assertRaises(BusError) as caught:
            manager('RemoveIntegration', 'sb', 'crm', False)
        self.assertEqual(caught.exception.name, DENIED)
        self.assertIn('keyturn --system remove crm', caught.exception.text)
        self.assertEqual(names(), ['crm'])

    # Root's own command

    def test_add_without_units_writes_nothing_in_etc(self):
        self.add('crm')
        self.assertEqual(list(INTEGRATIONS.iterdir()), [])
        status = (OWN / 'crm.conf').stat()
        self.assertEqual(status.st_uid, pwd.getpwnam(ACCOUNT).pw_uid)
        keyturn('remove', 'crm')
        self.assertEqual(list(OWN.iterdir()), [])

    def test_add_with_units(self):
        done = self.add('crm', '--start', 'backup.service', '--allow', 'user:alice', '--rotate-after', '60d')
        self.assertIn('has its first key', done.stdout)
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf'])
        status = (INTEGRATIONS / 'crm.conf').stat()
        self.assertEqual((status.st_uid, status.st_mode & 0o777), (0, 0o644))
        self.assertIn('\nStartUnits=backup.service\n', (INTEGRATIONS / 'crm.conf').read_text())
        self.assertFalse((OWN / 'crm.conf').exists())
        wait_for(STARTED.exists, what='the unit')
        self.assertEqual((integration('crm')['Allow'], integration('crm')['RotateAfter']),
                         (['user:alice'], 60 * 86400 * 10**6))
        self.assertEqual(self.add('crm', '--start', 'backup.service', check=False).returncode, 1)
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf'])

    def test_add_with_units_that_fails_leaves_nothing(self):
        done = self.add('crm', '--start', 'no unit', check=False)
        self.assertIn('no unit can be called so', done.stderr)
        self.assertEqual((list(INTEGRATIONS.iterdir()), names()), ([], []))
        self.sandbox.set_faults({'call': 'create', 'fault': 'error-422'})
        done = self.add('crm', '--start', 'backup.service', check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.sandbox.set_faults()
        if 'crm' in names():  # it is not known what became of the key: it stays, to be looked after
            self.assertTrue((INTEGRATIONS / 'crm.conf').exists())
            keyturn('rollback', 'crm')
            wait_for(lambda: integration('crm')['RotationState'] == 'idle', what='the end of the rotation')
        else:
            self.assertEqual(list(INTEGRATIONS.iterdir()), [])
        self.sandbox.set_faults({'call': 'create', 'fault': 'wrong-prefix'})
        done = self.add('bad', '--start', 'backup.service', check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertNotIn('bad', names())
        self.assertFalse((INTEGRATIONS / 'bad.conf').exists(), done.stderr)
        self.sandbox.set_faults()

    def test_add_with_units_as_somebody_else(self):
        done = run('keyturn', '--system', 'add', 'crm', '--env', 'test', '--full', '--start', 'backup.service',
                   user='alice', check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(names(), [])

    def test_edit_makes_the_file_roots(self):
        self.add('crm', '--allow', 'user:alice', '--max-overlap', '8d', '--delivery', 'pipe')
        self.assertEqual(self.edit('crm', 'true').stdout, 'crm: nothing is changed.\n')
        self.assertEqual(list(INTEGRATIONS.iterdir()), [])
        done = self.edit('crm', 'sed -i "s/^RotateAfter=.*/RotateAfter=60d\\nStartUnits=backup.service/"')
        self.assertEqual(done.stdout, 'crm: taken in.\n')
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf'])
        text = (INTEGRATIONS / 'crm.conf').read_text()
        for line in ('Allow=user:alice', 'MaxOverlap=8d', 'Delivery=pipe', 'RotateAfter=60d', 'Permissions=contacts:read',
                     'StartUnits=backup.service'):
            self.assertIn(f'\n{line}\n', text)
        self.assertEqual((integration('crm')['RotateAfter'], integration('crm')['Attention']), (60 * 86400 * 10**6, ''))
        self.assertFalse((OWN / 'crm.conf').exists(), 'what would come back when root\'s file goes')
        self.assertIn('crm.conf', journal('keyturnd'))

    def test_edit_that_is_refused_changes_nothing(self):
        self.add('crm')
        before = integration('crm')
        done = self.edit('crm', 'sed -i s/^Overlap=.*/Overlap=never/', check=False)
        self.assertIn('Overlap', done.stderr)
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf.edit'])
        self.assertEqual(integration('crm'), before)
        self.assertEqual(self.edit('crm', 'sed -i s/^Overlap=.*/Overlap=2h/').stdout, 'crm: taken in.\n')
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf'])

    def test_remove(self):
        self.add_to_the_end('gone')
        self.assertEqual(len(keys(self.sandbox, 'gone')), 1)
        keyturn('remove', 'gone', '--revoke', timeout=60)
        self.assertEqual((names(), list(INTEGRATIONS.iterdir()), keys(self.sandbox, 'gone')), ([], [], []))
        keyturn('reload')
        self.assertEqual(names(), [])

    def test_remove_that_is_refused_puts_the_file_back(self):
        self.add_to_the_end('crm')
        systemctl('stop', 'keyturn-keyring')
        guest.wait_for_keyring('absent')
        try:
            done = keyturn('remove', 'crm', check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['crm.conf'])
        finally:
            systemctl('start', 'keyturn-keyring')
            guest.wait_for_keyring()
        keyturn('reload')
        self.assertEqual(integration('crm')['Attention'], '')

    def test_remove_that_was_cut_off(self):
        """Before keyturnd was asked: nothing is lost, nothing comes back, and another remove goes on."""
        self.add_to_the_end('crm')
        (INTEGRATIONS / 'crm.conf').rename(INTEGRATIONS / 'crm.conf.removed')
        systemctl('restart', 'keyturnd')
        guest.wait_for_keyring()
        self.assertIn('crm.conf is gone', integration('crm')['Attention'])
        keyturn('remove', 'crm')
        self.assertEqual((names(), list(INTEGRATIONS.iterdir())), ([], []))

    def test_remove_without_an_answer(self):
        self.add_to_the_end('crm')
        systemctl('kill', '--kill-whom=main', '--signal=STOP', 'keyturnd')
        command = subprocess.Popen(['keyturn', '--system', 'remove', 'crm'], stderr=subprocess.PIPE, text=True)
        wait_for((INTEGRATIONS / 'crm.conf.removed').exists, what='the command to ask')
        systemctl('kill', '--kill-whom=main', '--signal=KILL', 'keyturnd')
        self.assertIn(f'the file is {INTEGRATIONS}/crm.conf.removed now', command.communicate(timeout=30)[1])
        self.assertEqual(command.returncode, 1)
        wait_for(lambda: show('keyturnd', 'ActiveState') == 'active', what='keyturnd to be started again')
        guest.wait_for_keyring()
        self.assertEqual(names(), ['crm'])
        keyturn('remove', 'crm')
        self.assertEqual((names(), list(INTEGRATIONS.iterdir())), ([], []))

    def test_add_that_was_cut_off(self):
        """After the file was written: an integration that has no key yet."""
        (INTEGRATIONS / 'crm.conf').write_text(PLANTED)
        self.assertIn('is there already', self.add('crm', '--start', 'backup.service', check=False).stderr)
        keyturn('reload')
        self.assertEqual((names(), integration('crm')['Last4']), (['crm'], ''))
        keyturn('rotate', 'crm')
        wait_for(STARTED.exists, what='the unit')

    def test_remind_is_no_work_for_root(self):
        plant_link(OWN.parent / 'reminded', SECRET)
        done = keyturn('remind', check=False)
        as_keyturn('rm', OWN.parent / 'reminded')
        self.assertIn('systemctl start keyturn-remind', done.stderr)
        systemctl('start', 'keyturn-remind')
        self.assertNoSecret()

    def test_doctor_says_whose_the_files_are(self):
        (INTEGRATIONS / 'crm.conf').write_text(TEXT)
        self.assertNotIn('is not root', keyturn('doctor', check=False).stdout)
        shutil.chown(INTEGRATIONS / 'crm.conf', ACCOUNT, ACCOUNT)
        self.assertIn(f'{INTEGRATIONS}/crm.conf is not root\'s', keyturn('doctor', check=False).stdout)

    # Both folders

    def test_etc_wins(self):
        self.add('crm', '--allow', 'user:alice')
        (INTEGRATIONS / 'crm.conf').write_text(TEXT + 'Allow=user:root\n')
        keyturn('reload')
        self.assertEqual(integration('crm')['Allow'], ['user:root'])
        self.assertIn(f'{OWN}/crm.conf', journal('keyturnd'))
        systemctl('restart', 'keyturnd')
        guest.wait_for_keyring()
        self.assertEqual(integration('crm')['Allow'], ['user:root'])
        (INTEGRATIONS / 'crm.conf').unlink()
        keyturn('reload')
        self.assertIn('crm.conf is gone', integration('crm')['Attention'])

    # From a version before

    def test_upgrade(self):
        systemctl('stop', 'keyturnd')
        give_away(INTEGRATIONS)
        shutil.rmtree(OWN, ignore_errors=True)
        (INTEGRATIONS / 'mine.conf').write_text(PLANTED)
        plant(INTEGRATIONS / 'old.conf', TEXT + 'Allow=user:alice\nReloadUnits = crm.service\n StartUnits=backup.service\n')
        plant(INTEGRATIONS / 'plain.conf', TEXT)
        plant_link(INTEGRATIONS / 'evil.conf', SECRET)
        plant(INTEGRATIONS / '$(touch x); y.conf', TEXT)
        as_keyturn('chmod', '0', INTEGRATIONS / 'plain.conf')
        as_keyturn('mkdir', INTEGRATIONS / 'folder.conf')
        as_keyturn('mkfifo', INTEGRATIONS / 'pipe.conf')
        systemctl('start', 'keyturnd')
        guest.wait_for_keyring()
        self.assertEqual((INTEGRATIONS.stat().st_uid, INTEGRATIONS.stat().st_mode & 0o777), (0, 0o755))
        self.assertEqual([p.name for p in INTEGRATIONS.iterdir()], ['mine.conf'])
        self.assertEqual(names(), ['mine', 'old', 'plain'])
        self.assertEqual((OWN / '$(touch x); y.conf').read_text(), TEXT)
        text = (OWN / 'old.conf').read_text()
        self.assertIn('Allow=user:alice\n', text)
        self.assertNotRegex(text, '(?m)^ *(Reload|Start)Units')
        self.assertEqual((OWN / 'old.conf').owner(), ACCOUNT)
        self.assertEqual(integration('old')['Allow'], ['user:alice'])
        for said in (integration('old')['Attention'], journal('keyturnd')):
            self.assertIn('crm.service', said)
            self.assertIn('StartUnits=backup.service', said)
        self.assertEqual((integration('plain')['Attention'], integration('mine')['Attention']), ('', ''))
        self.assertNoSecret()
        systemctl('restart', 'keyturnd')
        guest.wait_for_keyring()
        self.assertIn('StartUnits=backup.service', integration('old')['Attention'])
        (OWN / '$(touch x); y.conf').unlink()
        self.edit('old', 'sed -i "s/^Allow=.*/&\\nStartUnits=backup.service/"')
        self.assertEqual(integration('old')['Attention'], '')
        self.assertEqual(sorted(p.name for p in OWN.glob('*.conf')), ['plain.conf'])

    def test_upgrade_that_was_cut_off(self):
        """What is in both folders is moved once more."""
        systemctl('stop', 'keyturnd')
        give_away(INTEGRATIONS)
        plant(INTEGRATIONS / 'old.conf', TEXT + 'Allow=user:alice\n')
        plant(OWN / 'old.conf', 'half')
        plant(OWN / '.moving', 'ha')
        systemctl('start', 'keyturnd')
        guest.wait_for_keyring()
        self.assertEqual(integration('old')['Allow'], ['user:alice'])
        self.assertEqual(list(INTEGRATIONS.iterdir()), [])

    def test_upgrade_that_can_not_be_done(self):
        """Nothing is deleted that is not copied, and nothing is believed."""
        systemctl('stop', 'keyturnd')
        give_away(INTEGRATIONS)
        plant(INTEGRATIONS / 'old.conf', PLANTED)
        shutil.rmtree(OWN, ignore_errors=True)
        as_keyturn('touch', OWN)
        try:
            self.assertNotEqual(systemctl('start', 'keyturnd', check=False).returncode, 0)
            self.assertEqual((INTEGRATIONS / 'old.conf').read_text(), PLANTED)
            self.assertEqual(INTEGRATIONS.stat().st_uid, 0)
            self.assertStartsNothing()
        finally:
            OWN.unlink()
            systemctl('reset-failed', 'keyturnd')
            systemctl('start', 'keyturnd')
        guest.wait_for_keyring()
        self.assertEqual(names(), ['old'])


if __name__ == '__main__':
    guest.main(Files)
