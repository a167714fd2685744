using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using RomFlash.Sdk.Testing.Redfish.Service;

namespace RomFlash.Sdk.Testing.Redfish.Vendors;

/// <summary>Where a vendor's controller differs from the specifications. What is here is the generic service; each vendor overrides what it does otherwise.</summary>
internal abstract class VendorBehaviour
{
    /// <summary>What the service root tells as <c>Vendor</c>; null for the manufacturer of the target.</summary>
    public virtual string? VendorName => null;

    public virtual string SystemId => "1";

    public virtual string ManagerId => "1";

    public virtual string ChassisId => "1";

    public virtual RedfishPushKinds PushKinds => RedfishPushKinds.All;

    public virtual string MultipartPushUri => Paths.UpdateService + "/MultipartUpload";

    public virtual string HttpPushUri => Paths.UpdateService + "/Upload";

    /// <summary>The resource whose ETag a raw push names.</summary>
    public virtual string PushETagUri => Paths.UpdateService;

    public virtual ImmutableArray<RedfishApplyTime> ApplyTimes => [RedfishApplyTime.Immediate, RedfishApplyTime.OnReset, RedfishApplyTime.OnStartUpdateRequest];

    public virtual bool LocationNamesTask => false;

    public virtual bool PurgesFinishedTasks => false;

    public virtual bool RefusesChunkedUploads => false;

    /// <summary>Whether a push has no task that clients can see.</summary>
    public virtual bool HidesTasks => false;

    /// <summary>Whether what is told as the raw push's address takes multipart alone.</summary>
    public virtual bool HttpPushIsMultipart => false;

    /// <summary>The cookie that a push may have its session's key in instead of a header, or null.</summary>
    public virtual string? SessionCookie => null;

    /// <summary>The names of the parts of a multipart push (DSP0266, 12.6.2).</summary>
    public virtual string ParametersPart => "UpdateParameters";

    public virtual string ImagePart => "UpdateFile";

    public static VendorBehaviour Of(RedfishVendor vendor) => vendor switch
    {
        RedfishVendor.OpenBmc => new OpenBmc(),
        RedfishVendor.Dell => new Dell(),
        RedfishVendor.Supermicro => new Supermicro(),
        RedfishVendor.Hpe => new Hpe(),
        _ => new Generic(),
    };

    public virtual string TaskId(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Adds to a resource what the vendor's has besides.</summary>
    public virtual void Shape(string path, JsonObject resource, ServiceState state)
    {
    }

    /// <summary>A resource that only this vendor has, or null.</summary>
    public virtual JsonObject? Find(string path, ServiceState state) => null;

    /// <summary>Why a push, or a look at the push address, is refused before anything is read; null when it is not.</summary>
    public virtual Reply? RefusePush(ServiceState state, bool isLook) => null;

    /// <summary>Why the fields of a multipart push are refused; null when they are not.</summary>
    public virtual Reply? RefuseFields(JsonObject? parameters, IReadOnlyDictionary<string, string> fields) => null;

    /// <summary>The answer to a push or to StartUpdate that was accepted.</summary>
    public virtual Reply Accept(UpdateTask task, Reply ordinary) => ordinary;

    /// <summary>Whether a push's task is done when the image has been verified, and StartUpdate makes another one.</summary>
    public virtual bool StartMakesATask => false;
}

/// <summary>Nothing but the specifications.</summary>
internal sealed class Generic : VendorBehaviour;
