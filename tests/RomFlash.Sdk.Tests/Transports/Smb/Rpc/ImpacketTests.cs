using System.Globalization;
using RomFlash.Sdk.Tests.Images.Signatures;
using RomFlash.Sdk.Transports.Smb.Rpc;

namespace RomFlash.Sdk.Tests.Transports.Smb.Rpc;

/// <summary>The bytes of every request beside those of impacket, which knows nothing of this project.</summary>
[Trait("Category", "Peer")]
public sealed class ImpacketTests
{
    private const string Python = "/usr/bin/python3";

    // impacket fills gaps with marks and numbers pointers at random: its module is loaded with zeros for the marks, and pointers are numbered in their order afterwards.
    private const string Prelude = """
        import itertools, re, struct, sys, types
        import impacket.dcerpc.v5
        from importlib.util import find_spec
        spec = find_spec('impacket.dcerpc.v5.ndr')
        source = re.sub(r"b'\\x[a-fA-F]{2}'\s*\*", r"b'\\x00'*", open(spec.origin).read())
        module = types.ModuleType(spec.name)
        module.__package__ = 'impacket.dcerpc.v5'
        sys.modules[spec.name] = module
        exec(compile(source, spec.origin, 'exec'), module.__dict__)
        numbers = itertools.count(0x5EC00000)
        module.random.randint = lambda low, high: next(numbers)
        from impacket.dcerpc.v5 import rpcrt, rrp, scmr, srvs
        from impacket.dcerpc.v5.dtypes import FILETIME, NULL, ULONG, PRPC_UNICODE_STRING, PWCHAR, UCHAR

        def show(name, request):
            data, found = bytearray(request if isinstance(request, bytes) else request.getData()), 0
            for at in range(0, len(data) - 3, 4):
                if struct.unpack_from('<L', data, at)[0] & 0xFFFF0000 == 0x5EC00000:
                    struct.pack_into('<L', data, at, 0x20000 + 4 * found)
                    found += 1
            print(name, data.hex())

        def handle(kind):
            made = kind()
            if kind is rrp.RPC_HKEY:
                made['context_handle_attributes'] = 0x04030201
                made['context_handle_uuid'] = bytes(range(0x10, 0x20))
            else:
                made['Data'] = b'\x01\x02\x03\x04' + bytes(range(0x10, 0x20))
            return made

        def time(value):
            made = FILETIME()
            made['dwLowDateTime'] = value & 0xFFFFFFFF
            made['dwHighDateTime'] = value >> 32
            return made

        def room(request, name, size):
            request.fields[name].fields['MaximumLength'] = size
            request.fields[name].fields['Data'].fields['Data'].fields['MaximumCount'] = size // 2

        def value_room(request, size):
            request['lpType'] = 0
            request['lpData'] = b''
            request.fields['lpData'].fields['Data'].fields['MaximumCount'] = size
            request['lpcbData'] = size
            request['lpcbLen'] = 0

        """;

    private static readonly ContextHandle Handle = new(0x04030201, new Guid([.. Enumerable.Range(0x10, 16).Select(i => (byte)i)]));

    [Fact]
    public async Task Requests_OfEveryOperation_AreImpacketsByteForByte()
    {
        const string Script = """
            request = rrp.OpenLocalMachine()
            request['ServerName'] = NULL
            request['samDesired'] = 0x20019
            show('open-machine', request)

            request = rrp.BaseRegCloseKey()
            request['hKey'] = handle(rrp.RPC_HKEY)
            show('close-key', request)

            for path in ('', 'A', 'AB', 'HARDWARE\\DESCRIPTION\\System\\BIOS'):
                request = rrp.BaseRegOpenKey()
                request['hKey'] = handle(rrp.RPC_HKEY)
                request['lpSubKey'] = path + '\0'
                request['dwOptions'] = 0
                request['samDesired'] = 1
                show('open-key-%d' % len(path), request)

            request = rrp.BaseRegQueryInfoKey()
            request['hKey'] = handle(rrp.RPC_HKEY)
            request['lpClassIn'] = '\0'
            room(request, 'lpClassIn', 512)
            show('query-info', request)

            for name in ('', 'A', 'BIOSVersion'):
                request = rrp.BaseRegQueryValue()
                request['hKey'] = handle(rrp.RPC_HKEY)
                request['lpValueName'] = name + '\0'
                value_room(request, 4096)
                show('query-value-%d' % len(name), request)

            request = rrp.BaseRegEnumKey()
            request['hKey'] = handle(rrp.RPC_HKEY)
            request['dwIndex'] = 7
            room(request, 'lpNameIn', 512)
            request['lpClassIn'] = ''
            request.fields['lpClassIn'].fields['Data'].fields['MaximumLength'] = 512
            request.fields['lpClassIn'].fields['Data'].fields['Data'].fields['Data'].fields['MaximumCount'] = 256
            request['lpftLastWriteTime'] = NULL
            show('enum-key', request)

            request = rrp.BaseRegEnumValue()
            request['hKey'] = handle(rrp.RPC_HKEY)
            request['dwIndex'] = 7
            room(request, 'lpValueNameIn', 512)
            value_room(request, 4096)
            show('enum-value', request)

            request = scmr.ROpenSCManagerW()
            request['lpMachineName'] = NULL
            request['lpDatabaseName'] = NULL
            request['dwDesiredAccess'] = 3
            show('open-manager', request)

            for name in ('A', 'RemoteRegistry'):
                request = scmr.ROpenServiceW()
                request['hSCManager'] = handle(scmr.SC_RPC_HANDLE)
                request['lpServiceName'] = name + '\0'
                request['dwDesiredAccess'] = 4
                show('open-service-%d' % len(name), request)

            request = scmr.RQueryServiceStatus()
            request['hService'] = handle(scmr.SC_RPC_HANDLE)
            show('query-status', request)

            # impacket has no MS-RSP: its structures with the specification's parameters.
            class BaseInitiateShutdownEx(module.NDRCALL):
                opnum = 2
                structure = (('ServerName', PWCHAR), ('lpMessage', PRPC_UNICODE_STRING), ('dwTimeout', ULONG), ('bForceAppsClosed', UCHAR), ('bRebootAfterShutdown', UCHAR), ('dwReason', ULONG))
            for text in ('odd', 'even'):
                request = BaseInitiateShutdownEx()
                request['ServerName'] = NULL
                request['lpMessage'] = text
                request.fields['lpMessage'].fields['Data'].fields['MaximumLength'] = 2 * len(text) + 2
                request.fields['lpMessage'].fields['Data'].fields['Data'].fields['Data'].fields['MaximumCount'] = len(text) + 1
                request['dwTimeout'] = 30
                request['bForceAppsClosed'] = 1
                request['bRebootAfterShutdown'] = 1
                request['dwReason'] = 0x80010001
                show('shutdown-' + text, request)

            request = srvs.NetrRemoteTOD()
            request['ServerName'] = NULL
            show('time', request)

            item = rpcrt.CtxItem()
            item['AbstractSyntax'] = rrp.MSRPC_UUID_RRP
            item['TransferSyntax'] = rpcrt.DCERPC.NDRSyntax
            item['ContextID'] = 0
            item['TransItems'] = 1
            bind = rpcrt.MSRPCBind()
            bind.addCtxItem(item)
            packet = rpcrt.MSRPCHeader()
            packet['type'] = rpcrt.MSRPC_BIND
            packet['pduData'] = bind.getData()
            packet['call_id'] = 1
            show('bind', bytes(packet.get_packet()))

            packet = rpcrt.DCERPC_RawCall(17, bytes(range(40)))
            packet['ctx_id'] = 0
            packet['call_id'] = 9
            packet['alloc_hint'] = 40
            show('request', bytes(packet.get_packet()))
            """;
        var theirs = await RunAsync(Script);

        var ours = new Dictionary<string, byte[]>
        {
            ["open-machine"] = RegistryStubs.OpenLocalMachine(RegistryAccess.Read),
            ["close-key"] = HandleStubs.Only(Handle),
            ["open-key-0"] = RegistryStubs.OpenKey(Handle, string.Empty, RegistryAccess.QueryValues),
            ["open-key-1"] = RegistryStubs.OpenKey(Handle, "A", RegistryAccess.QueryValues),
            ["open-key-2"] = RegistryStubs.OpenKey(Handle, "AB", RegistryAccess.QueryValues),
            ["open-key-32"] = RegistryStubs.OpenKey(Handle, @"HARDWARE\DESCRIPTION\System\BIOS", RegistryAccess.QueryValues),
            ["query-info"] = RegistryStubs.QueryInfoKey(Handle, 512),
            ["query-value-0"] = RegistryStubs.QueryValue(Handle, string.Empty, 4096),
            ["query-value-1"] = RegistryStubs.QueryValue(Handle, "A", 4096),
            ["query-value-11"] = RegistryStubs.QueryValue(Handle, "BIOSVersion", 4096),
            ["enum-key"] = RegistryStubs.EnumKey(Handle, 7, 512),
            ["enum-value"] = RegistryStubs.EnumValue(Handle, 7, 512, 4096),
            ["open-manager"] = ServiceControlClient.OpenManager(3),
            ["open-service-1"] = ServiceControlClient.OpenService(Handle, "A", 4),
            ["open-service-14"] = ServiceControlClient.OpenService(Handle, "RemoteRegistry", 4),
            ["query-status"] = HandleStubs.Only(Handle),
            ["shutdown-odd"] = ShutdownClient.Initiate(30, "odd", true, true, 0x80010001),
            ["shutdown-even"] = ShutdownClient.Initiate(30, "even", true, true, 0x80010001),
            ["time"] = RemoteTimeClient.Query(),
            ["bind"] = RpcPdu.Bind(1, RpcService.Registry),
            ["request"] = RpcPdu.Request(9, 17, RpcPduFlags.Whole, [.. Enumerable.Range(0, 40).Select(i => (byte)i)], 40),
        };
        Assert.Equal(ours.Keys.Order(), theirs.Keys.Order());
        Assert.All(ours, own => Assert.Equal(own.Key + " " + theirs[own.Key], own.Key + " " + Convert.ToHexString(own.Value)));
    }

    [Fact]
    public async Task ReadNameAndKeyInfo_OfImpacketsAnswers_AreWhatWasPutIn()
    {
        const string Script = """
            answer = rrp.BaseRegEnumKeyResponse()
            answer['lpNameOut'] = 'sub key\0'
            answer['lplpClassOut'] = 'cls\0'
            answer['lpftLastWriteTime'] = time(0x0102030405060708)
            answer['ErrorCode'] = 0
            show('name', answer)

            answer = rrp.BaseRegQueryInfoKeyResponse()
            answer['lpClassOut'] = 'cls\0'
            for index, name in enumerate(('lpcSubKeys', 'lpcbMaxSubKeyLen', 'lpcbMaxClassLen', 'lpcValues', 'lpcbMaxValueNameLen', 'lpcbMaxValueLen', 'lpcbSecurityDescriptor')):
                answer[name] = index + 1
            answer['lpftLastWriteTime'] = time(0x0102030405060708)
            answer['ErrorCode'] = 0
            show('info', answer)

            answer = rrp.BaseRegQueryValueResponse()
            answer['lpType'] = 3
            answer['lpData'] = b'12345'
            answer['lpcbData'] = 5
            answer['lpcbLen'] = 5
            answer['ErrorCode'] = 0
            show('value', answer)
            """;
        var theirs = await RunAsync(Script);

        Assert.True(RegistryStubs.ReadName(Convert.FromHexString(theirs["name"]), out var name));
        Assert.Equal(new NameAnswer("sub key", 0), name);
        Assert.True(RegistryStubs.ReadKeyInfo(Convert.FromHexString(theirs["info"]), out var info));
        Assert.Equal(new KeyInfoAnswer(new(1, 4, 0x0102030405060708), 0), info);
        Assert.True(RegistryStubs.ReadValue(Convert.FromHexString(theirs["value"]), out var value));
        Assert.Equal((RegistryValueType.Binary, 5u, 0u), (value.Value!.Type, value.Size, value.Code));
        Assert.Equal("12345"u8, value.Value.Data.Span);
    }

    private static async Task<Dictionary<string, string>> RunAsync(string script)
    {
        var (exitCode, output) = await PeerProgram.RunAsync(Python, "-c", Prelude + "\n" + script);
        Assert.True(exitCode == 0, output);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1].ToUpper(CultureInfo.InvariantCulture));
    }
}
