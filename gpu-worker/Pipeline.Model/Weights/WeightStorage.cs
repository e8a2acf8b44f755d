namespace Pipeline.Model.Weights;

/// <summary>How the frozen linear layers are held.</summary>
public enum WeightStorage
{
    /// <summary>As float32.</summary>
    Full,

    /// <summary>As NF4 with double quantisation.</summary>
    Nf4,
}
